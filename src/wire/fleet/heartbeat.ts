import { SignJWT } from "jose";
import * as z from "zod";
import { MAX_NUMERICS_LENGTH, type NumericsText } from "#domain/numerics.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { sha256Hex } from "../codec/digest.ts";
import { type JwtTerms, type VerificationKey, verifyJwt } from "../codec/signed-jwt.ts";
import { type ModelCard, modelCardSchema } from "../function/status.ts";
import { signingJwk, TICKET_ALGORITHM, type TicketSigningKey } from "../function/ticket-keys.ts";
import { MAX_NAME_LENGTH } from "../limits.ts";

/** Where a function says to an edge that it is there: `POST`, signed with its key. */
export const HEARTBEATS_PATH = "/v1/functions/heartbeats";

/** What a function says of itself every few seconds. */
export interface HeartbeatBody {
  /** Base address under which edges reach it, an origin. Several instances behind one address each tell their own part. */
  readonly url: string;
  /** Drawn when the process starts. */
  readonly instance: string;
  /** By its own clock, later each time: what is heard of an earlier moment is not news. Milliseconds since 1970. */
  readonly sent_at: number;
  readonly model: string;
  readonly provider: string;
  /** Lower-case hex SHA-256 of the bundle's manifest; null before it is known. */
  readonly digest: string | null;
  /** Class of the arithmetic that its answers have; null before it is known. */
  readonly numerics: NumericsText | null;
  readonly state: "warm" | "loading" | "draining" | "failed";
  /** Seconds until its weights are there; null where that is not known, or they are. */
  readonly eta_seconds: number | null;
  /** How long its weights took, from the start of the process; null before they were there. */
  readonly loaded_in_ms: number | null;
  /** Steps that its answers, running and waiting, still take. */
  readonly queued_steps: number;
  /** Milliseconds of its device for a step, of late; null before it did any. */
  readonly ms_per_step: number | null;
  readonly running: number;
  readonly waiting: number;
  readonly places: number;
  readonly queue_length: number;
  /** Whether its host stops it when nothing is asked, and starts it again for the next request to its address. */
  readonly sleeps: boolean;
  /** What its model can be asked: with the first that tells its digest, and whenever the edge wants it. */
  readonly card?: ModelCard;
}

/** What the edge says to it. */
export interface HeartbeatReply {
  readonly object: "heartbeat";
  /** Whether the next one is to bring the card: the edge has none of these weights. */
  readonly wants_card: boolean;
  /** Milliseconds until the next is waited for. */
  readonly next_in_ms: number;
}

/** Threat: a report that fills an object. A card has a few KB, 256 with the longest list of things that a model knows. */
export const MAX_HEARTBEAT_BYTES: number = 512 * 1024;

const count = z.int().nonnegative();
const name = z.string().min(1).max(MAX_NAME_LENGTH);

/** Reads a heartbeat. Members that a newer function adds are dropped. */
export const heartbeatSchema: z.ZodType<HeartbeatBody> = z
  .object({
    url: z.url().max(256),
    instance: z.string().regex(/^[0-9a-zA-Z_-]{8,64}$/),
    sent_at: count,
    model: name,
    provider: name,
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .nullable(),
    numerics: z.string().max(MAX_NUMERICS_LENGTH).nullable(),
    state: z.enum(["warm", "loading", "draining", "failed"]),
    eta_seconds: z.number().nonnegative().nullable(),
    loaded_in_ms: z.number().nonnegative().nullable(),
    queued_steps: count,
    ms_per_step: z.number().positive().max(3_600_000).nullable(),
    running: count,
    waiting: count,
    places: z.int().min(1).max(1_000),
    queue_length: count,
    sleeps: z.boolean(),
    card: modelCardSchema.exactOptional(),
  })
  .meta({ id: "FunctionReport" });

export const heartbeatReplySchema: z.ZodType<HeartbeatReply> = z
  .object({
    object: z.literal("heartbeat"),
    wants_card: z.boolean(),
    next_in_ms: z.int().positive().max(600_000),
  })
  .meta({ id: "Heartbeat" });

/** Not those of a ticket: a ticket's key that is used for both signs nothing here, and this nothing there. */
const ISSUER = "unmask-function";
const AUDIENCE = "unmask-edge";

/** It must only survive the way. */
const LIFETIME_SECONDS = 60;

const terms: JwtTerms = {
  issuer: ISSUER,
  audience: AUDIENCE,
  maxAgeSeconds: LIFETIME_SECONDS,
  toleranceSeconds: 5,
  requiredClaims: ["exp", "iat"],
  maxLength: 2048,
};

/** Signs a heartbeat, as it is sent: what goes into `Authorization: Bearer …`. `now`: milliseconds since 1970. */
export async function signHeartbeat(
  body: Uint8Array<ArrayBuffer>,
  key: TicketSigningKey,
  now: number,
): Promise<string> {
  const issuedAt = Math.floor(now / 1000);
  return await new SignJWT({ body_sha256: await sha256Hex(body) })
    .setProtectedHeader({ alg: TICKET_ALGORITHM, typ: "JWT", kid: key.kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFETIME_SECONDS)
    .sign(signingJwk(key));
}

/** Says which of the keys signed this body. Refuses with why, for the log: it would tell a forger how far they came. */
export async function heartbeatKey<Key extends VerificationKey>(
  jwt: string,
  body: Uint8Array<ArrayBuffer>,
  keys: readonly Key[],
  now: number,
): Promise<Result<Key, string>> {
  const verified = await verifyJwt(jwt, keys, now, terms);
  if (!verified.ok) return verified;
  const key = keys.find(({ kid }) => kid === verified.value.kid);
  if (key === undefined) return refuse("signed by nobody");
  const isForBody = verified.value.claims["body_sha256"] === (await sha256Hex(body));
  return isForBody ? ok(key) : refuse("for another body");
}
