import * as z from "zod";
import { type Page, pageSchema } from "../page.ts";
import { chosenIdSchema } from "./accounts.ts";

/**
 * What a session of the dashboard may be used for. `usage`: money and usage · `answers`: to read them · `replay`: to replay
 * them, which is charged · `webhooks`, `keys`: to look at and change them · `admin`: what the administrator's key opens.
 */
export const SESSION_SCOPES = ["usage", "answers", "replay", "webhooks", "keys", "admin"] as const;

export type SessionScope = (typeof SESSION_SCOPES)[number];

/** Body of `POST /v1/sessions`: one of the three. */
export interface SignInBody {
  /** `umk_…` */
  readonly key?: string;
  /** `umc_…`, which is good once. */
  readonly code?: string;
  readonly admin_key?: string;
  /** Less than all that it could have. */
  readonly scopes?: readonly SessionScope[];
}

/** A session, without what its cookie holds. Times are RFC 3339, UTC. */
export interface SessionBody {
  readonly id: string;
  readonly object: "session";
  readonly role: SessionRole;
  /** Null for the administrator's. */
  readonly account: string | null;
  /** Id of the key that opened it, directly or by a code; null where the administrator did. */
  readonly key: string | null;
  readonly scopes: readonly SessionScope[];
  /** Whether it is the one that asks. */
  readonly current: boolean;
  readonly created_at: string;
  /** To the minute. */
  readonly last_used_at: string;
  readonly expires_at: string;
  /** When it ends if it is not used before. */
  readonly idle_expires_at: string;
}

export type SessionRole = "account" | "administrator";

/** What `DELETE /v1/sessions` says. */
export interface SignedOutBody {
  readonly object: "signed_out";
  readonly count: number;
}

/** Body of `POST /v1/sign_in_codes`. A key's code opens its own account; the administrator names one, or the role. */
export interface SignInCodeRequest {
  readonly account?: string;
  readonly role?: SessionRole;
}

export interface SignInCodeBody {
  readonly object: "sign_in_code";
  readonly code: string;
  readonly role: SessionRole;
  readonly account: string | null;
  readonly expires_at: string;
}

/** No key, code or administrator's key is longer. */
const MAX_SECRET_LENGTH = 256;

const secret = z.string().min(1).max(MAX_SECRET_LENGTH);
const time = z.iso.datetime();
const role = z.enum(["account", "administrator"]);
const scopes = z.array(z.enum(SESSION_SCOPES)).min(1).max(SESSION_SCOPES.length);

export const signInSchema: z.ZodType<SignInBody> = z
  .strictObject({
    key: secret.exactOptional(),
    code: secret.exactOptional(),
    admin_key: secret.exactOptional(),
    scopes: scopes.exactOptional().meta({
      description: "Less than all that the key may do, or that the code is for.",
    }),
  })
  .refine(
    ({ key, code, admin_key }) =>
      [key, code, admin_key].filter((one) => one !== undefined).length === 1,
    "needs one of key, code and admin_key",
  )
  .meta({ id: "SignIn", example: { code: "umc_0Kb3nV7cQ2xY9mTgA4hZw1" } });

export const sessionSchema: z.ZodType<SessionBody> = z
  .strictObject({
    id: z.string(),
    object: z.literal("session"),
    role,
    account: z.string().nullable(),
    key: z.string().nullable(),
    scopes: z.array(z.enum(SESSION_SCOPES)),
    current: z.boolean(),
    created_at: time,
    last_used_at: time,
    expires_at: time,
    idle_expires_at: time,
  })
  .meta({ id: "Session" });

export const sessionListSchema: z.ZodType<Page<SessionBody>> = pageSchema(
  sessionSchema,
  "SessionList",
);

export const signedOutSchema: z.ZodType<SignedOutBody> = z
  .strictObject({ object: z.literal("signed_out"), count: z.int().nonnegative() })
  .meta({ id: "SignedOut" });

export const signInCodeRequestSchema: z.ZodType<SignInCodeRequest> = z
  .strictObject({
    account: chosenIdSchema.exactOptional().meta({
      description: "The administrator's alone: whose dashboard it opens.",
    }),
    role: role.exactOptional().meta({
      description: "administrator: opens the administrator's own view. Default: account.",
    }),
  })
  .meta({ id: "CreateSignInCode" });

export const signInCodeSchema: z.ZodType<SignInCodeBody> = z
  .strictObject({
    object: z.literal("sign_in_code"),
    code: z.string(),
    role,
    account: z.string().nullable(),
    expires_at: time,
  })
  .meta({ id: "SignInCode", description: "The only time that the code is shown." });
