import { errors, jwtVerify, SignJWT } from "jose";
import * as z from "zod";
import type { SubjectLimits } from "#domain/limits.ts";
import { type Micros, micros, toNumber } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { TicketSigningKey } from "../../function/ticket-keys.ts";
import type { KeyScope } from "./key.ts";
import { modelsSchema, originsSchema } from "./keys.ts";
import {
  microsSchema,
  type SubjectLimitsBody,
  subjectLimitsBody,
  subjectLimitsOf,
  subjectLimitsSchema,
} from "./limits-body.ts";

/** What a client token may be used for: what its key may, but for making keys, which would outlive it; or one upload and nothing else. */
export type TokenScope = Exclude<KeyScope, "keys"> | "upload";

const TOKEN_SCOPES = [
  "ask",
  "jobs",
  "webhooks",
  "usage",
  "upload",
] as const satisfies readonly TokenScope[];

/**
 * What an app holds instead of a key: a JWT (RFC 7519) that is good for minutes and for part of what its key may do.
 * Only the edge reads it, so one secret signs and checks (HS256).
 */
export interface ClientToken {
  readonly id: string;
  /** Key that made it; when that is revoked, so is the token. */
  readonly keyId: string;
  /** For whom it was made, in the account's own words: all tokens of one subject see the same. Null: this token stands alone. */
  readonly subject: string | null;
  readonly scopes: readonly TokenScope[];
  /** The most that everything asked with it may cost together. */
  readonly spendCap: Micros;
  /** Of its subject, or of itself where it has none. */
  readonly limits: SubjectLimits;
  /** Whether its answers may come from the account's cache and go there; else they are shared with nobody but its subject. */
  readonly sharesCache: boolean;
  readonly models: readonly string[] | null;
  readonly origins: readonly string[] | null;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Body of `POST /v1/client_tokens`. */
export interface ClientTokenRequest {
  readonly ttl_seconds: number;
  readonly subject?: string;
  readonly limits?: SubjectLimitsBody;
  readonly share_cache: boolean;
  readonly spend_cap_micros: number;
  readonly scopes: readonly TokenScope[];
  readonly models?: readonly string[];
  readonly origins?: readonly string[];
}

export interface ClientTokenBody {
  readonly object: "client_token";
  readonly id: string;
  readonly token: string;
  readonly subject: string | null;
  readonly scopes: readonly TokenScope[];
  readonly spend_cap_micros: number;
  /** RFC 3339, UTC. */
  readonly expires_at: string;
}

const ISSUER = "unmask-edge";
const AUDIENCE = "unmask-edge";
const TYPE = "client-token+jwt";
const ALGORITHM = "HS256";

const DEFAULT_TTL_SECONDS = 300;
/** Long enough for a session of questions, short enough that a token taken from a phone is worth little. */
const MAX_TTL_SECONDS = 3600;

/** A phone sends a picture in the background when it has a good network, so within a day. One upload spends nothing. */
const MAX_UPLOAD_TTL_SECONDS = 86_400;

/** Threat: parsing megabytes. A token with sixteen models and origins of full length is about 8,000 characters. */
const MAX_TOKEN_LENGTH = 10_000;

/** Says whether a token was made for one upload. */
export function isUploadToken({ scopes }: Pick<ClientToken, "scopes">): boolean {
  return scopes.includes("upload");
}

/** Tells a token from a key by its form, without believing it. */
export function isClientToken(text: string): boolean {
  return text.startsWith("ey") && text.length <= MAX_TOKEN_LENGTH;
}

/**
 * Draws the secret of client tokens from the key of tickets, so that an installation has one secret fewer to keep.
 * Neither can be computed from the other's signatures. Source: RFC 5869 (HKDF).
 */
export async function clientTokenSecret({ d }: TicketSigningKey): Promise<CryptoKey> {
  const utf8 = new TextEncoder();
  const input = await crypto.subtle.importKey("raw", utf8.encode(d), "HKDF", false, ["deriveKey"]);
  return await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8.encode("client tokens") },
    input,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign", "verify"],
  );
}

/** Signs a token. `now` in milliseconds since 1970. */
export async function signClientToken(
  token: ClientToken,
  secret: CryptoKey,
  now: number,
): Promise<string> {
  const { scopes, models, origins, subject, sharesCache: shares } = token;
  const limits = subjectLimitsBody(token.limits);
  const cap = toNumber(token.spendCap);
  return await new SignJWT({ scopes, models, origins, cap, subject, limits, shares })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(token.keyId)
    .setJti(token.id)
    .setIssuedAt(Math.floor(now / 1000))
    .setExpirationTime(Math.floor(token.expiresAt / 1000))
    .sign(secret);
}

/** Checks signature, type and age. The refusal is for the log. */
export async function verifyClientToken(
  text: string,
  secret: CryptoKey,
  now: number,
): Promise<Result<ClientToken, string>> {
  if (text.length > MAX_TOKEN_LENGTH) return refuse("too long");
  try {
    const { payload } = await jwtVerify(text, secret, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: new Date(now),
      requiredClaims: ["exp", "jti", "sub"],
    });
    const claims = claimsSchema.safeParse(payload);
    return claims.success ? ok(tokenOf(claims.data)) : refuse("claims are no client token");
  } catch (cause) {
    // jose throws for everything that is wrong with a token; anything else is a broken key or a bug.
    if (cause instanceof errors.JOSEError) return refuse(cause.code);
    throw new Error("verifying a client token failed for a reason that is not the token", {
      cause,
    });
  }
}

const claimsSchema = z.object({
  sub: z.string(),
  jti: z.string(),
  exp: z.int(),
  cap: z.int().nonnegative(),
  // Absent in tokens of the version before, which live for an hour at most.
  subject: z.string().nullable().default(null),
  limits: subjectLimitsSchema.default({}),
  shares: z.boolean().default(false),
  scopes: z.array(z.enum(TOKEN_SCOPES)),
  models: z.array(z.string()).nullable(),
  origins: z.array(z.string()).nullable(),
});

function tokenOf(claims: z.output<typeof claimsSchema>): ClientToken {
  const { sub, jti, exp, cap, scopes, models, origins, subject, limits, shares } = claims;
  return {
    id: jti,
    keyId: sub,
    subject,
    scopes,
    spendCap: micros(cap),
    limits: subjectLimitsOf(limits),
    sharesCache: shares,
    models,
    origins,
    expiresAt: exp * 1000,
  };
}

/** What people name their users by: ids, addresses. Threat: the name stands in the ledger, lists and the cache's keys. */
const subjectSchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "must have 1 to 128 printable ASCII characters without spaces")
  .meta({ description: "For whom it is: all tokens of one subject see the same answers." });

export const clientTokenRequestSchema: z.ZodType<ClientTokenRequest> = z
  .strictObject({
    ttl_seconds: z
      .int()
      .min(1)
      .max(MAX_UPLOAD_TTL_SECONDS)
      .default(DEFAULT_TTL_SECONDS)
      .meta({
        description: `At most ${MAX_TTL_SECONDS}; of one upload ${MAX_UPLOAD_TTL_SECONDS}, a day.`,
      }),
    spend_cap_micros: microsSchema.exactOptional().meta({
      description:
        "The most that everything asked with it may cost together. May be left out for one upload, which costs nothing.",
    }),
    subject: subjectSchema.exactOptional(),
    limits: subjectLimitsSchema.exactOptional(),
    share_cache: z.boolean().default(false).meta({
      description:
        "Its answers may come from the account's cache and go there. Without it they are cached for its subject alone.",
    }),
    scopes: z
      .array(z.enum(TOKEN_SCOPES))
      .min(1)
      .max(TOKEN_SCOPES.length - 1)
      .default(["ask"])
      .meta({
        description:
          "`upload` stands alone: the token is good for one `POST /v1/images`, and what it uploads can be asked about by tokens of its subject.",
      }),
    models: modelsSchema.exactOptional(),
    origins: originsSchema.exactOptional().meta({ description: "For a page: where it lies." }),
  })
  .superRefine((request, context) => {
    for (const [field, message] of Object.entries(faultsOf(request)))
      context.addIssue({ code: "custom", path: [field], message });
  })
  .transform(({ spend_cap_micros = 0, ...request }) => ({ ...request, spend_cap_micros }))
  .meta({ id: "CreateClientToken", example: { spend_cap_micros: 50_000, ttl_seconds: 300 } });

/** What a request for a token says that does not go together, by field. */
function faultsOf({
  scopes,
  ttl_seconds,
  spend_cap_micros,
}: Pick<ClientTokenRequest, "scopes" | "ttl_seconds"> & Partial<ClientTokenRequest>): Readonly<
  Record<string, string>
> {
  if (isUploadToken({ scopes }))
    return scopes.length === 1 ? {} : { scopes: 'has "upload" beside others; it stands alone' };
  return {
    ...(spend_cap_micros === undefined
      ? { spend_cap_micros: "is left out; one upload alone spends nothing" }
      : {}),
    ...(ttl_seconds <= MAX_TTL_SECONDS
      ? {}
      : { ttl_seconds: `is above ${MAX_TTL_SECONDS}; one upload alone may take a day` }),
  };
}

export const clientTokenSchema: z.ZodType<ClientTokenBody> = z
  .strictObject({
    object: z.literal("client_token"),
    id: z.string(),
    token: z.string(),
    subject: z.string().nullable(),
    scopes: z.array(z.enum(TOKEN_SCOPES)),
    spend_cap_micros: microsSchema,
    expires_at: z.iso.datetime(),
  })
  .meta({ id: "ClientToken" });
