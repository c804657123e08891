import * as z from "zod";
import { MAX_NAME_LENGTH } from "../../limits.ts";
import { type Page, type PageQuery, pageFields, pageSchema } from "../page.ts";
import { chosenIdSchema } from "./accounts.ts";
import { KEY_SCOPES, type KeyEnvironment, type KeyScope } from "./key.ts";
import { type KeyLimitsBody, keyLimitsSchema, someKeyLimitsSchema } from "./limits-body.ts";

/** A key without its secret. Times are RFC 3339, UTC. */
export interface KeyBody {
  readonly id: string;
  readonly object: "key";
  readonly account: string;
  readonly name: string;
  readonly environment: KeyEnvironment;
  readonly scopes: readonly KeyScope[];
  readonly limits: KeyLimitsBody;
  /** Models that it may ask; null for all. */
  readonly models: readonly string[] | null;
  /** Origins that it works from, for keys that browsers hold; null for keys that stay on servers. */
  readonly origins: readonly string[] | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  /** To ten minutes; null where it never was, or not since this is counted. */
  readonly last_used_at: string | null;
  /** Until when the secret before the last rotation works too. */
  readonly previous_secret_expires_at: string | null;
}

/** A key as it is shown once. */
export interface NewKeyBody extends KeyBody {
  /** The whole key. It is kept nowhere. */
  readonly key: string;
}

/** What `PATCH /v1/keys/{id}` changes; what is absent stays. */
export interface RestrictKeyBody {
  readonly name?: string;
  readonly scopes?: readonly KeyScope[];
  readonly limits?: Partial<KeyLimitsBody>;
  readonly models?: readonly string[] | null;
  readonly origins?: readonly string[] | null;
  readonly expires_at?: string | null;
}

/** Body of `POST /v1/keys`. */
export interface CreateKeyBody extends RestrictKeyBody {
  /** The administrator's to say; who asks with a key makes keys of its own account. */
  readonly account?: string;
  readonly environment?: KeyEnvironment;
}

/** Body of `POST /v1/keys/{id}/rotate`. */
export interface RotateKeyBody {
  readonly overlap_seconds: number;
}

export interface KeyListQuery extends PageQuery {
  /** As when a key is made. */
  readonly account?: string | undefined;
}

/** Lists in a record that is read with every request: more would make each of them slow. */
const MAX_LIST = 16;

/** A day is enough to deploy a new key everywhere; a month is what a slow customer needs. */
const DEFAULT_OVERLAP_SECONDS = 86_400;
const MAX_OVERLAP_SECONDS = 30 * 86_400;

const name = z.string().regex(/\S/, "must not be blank").max(MAX_NAME_LENGTH);
const origin = z
  .string()
  .max(256)
  .refine(isOrigin, 'must be an origin such as "https://shop.example", without a path');

/** Schema of the scopes of a key or token. */
export const scopesSchema: z.ZodType<readonly KeyScope[]> = z
  .array(z.enum(KEY_SCOPES))
  .min(1)
  .max(KEY_SCOPES.length);
export const modelsSchema: z.ZodType<readonly string[]> = z.array(name).max(MAX_LIST);
export const originsSchema: z.ZodType<readonly string[]> = z.array(origin).min(1).max(MAX_LIST);

const restrictions = {
  name: name.exactOptional(),
  scopes: scopesSchema.exactOptional(),
  limits: someKeyLimitsSchema.exactOptional(),
  models: modelsSchema.nullable().exactOptional(),
  origins: originsSchema.nullable().exactOptional(),
  expires_at: z.iso.datetime({ offset: true }).nullable().exactOptional(),
};

export const createKeySchema: z.ZodType<CreateKeyBody> = z
  .strictObject({
    account: chosenIdSchema.exactOptional().meta({
      description: "The administrator must say it; a key makes keys of its own account.",
    }),
    environment: z.enum(["live", "test"]).exactOptional(),
    ...restrictions,
  })
  .meta({ id: "CreateKey", example: { account: "acc_1", scopes: ["ask"] } });

export const restrictKeySchema: z.ZodType<RestrictKeyBody> = z
  .strictObject(restrictions)
  .meta({ id: "RestrictKey" });

export const rotateKeySchema: z.ZodType<RotateKeyBody> = z
  .strictObject({
    overlap_seconds: z.int().min(0).max(MAX_OVERLAP_SECONDS).default(DEFAULT_OVERLAP_SECONDS),
  })
  .meta({ id: "RotateKey" });

const keyFields = {
  id: z.string(),
  object: z.literal("key"),
  account: z.string(),
  name: z.string(),
  environment: z.enum(["live", "test"]),
  scopes: z.array(z.enum(KEY_SCOPES)),
  limits: keyLimitsSchema,
  models: z.array(z.string()).nullable(),
  origins: z.array(z.string()).nullable(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  revoked_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable(),
  previous_secret_expires_at: z.iso.datetime().nullable(),
};

export const keySchema: z.ZodType<KeyBody> = z.strictObject(keyFields).meta({ id: "Key" });

export const newKeySchema: z.ZodType<NewKeyBody> = z
  .strictObject({ ...keyFields, key: z.string() })
  .meta({ id: "NewKey", description: "The only time that the key itself is shown." });

export const keyListSchema: z.ZodType<Page<KeyBody>> = pageSchema(keySchema, "KeyList");

export const keyListQuerySchema: z.ZodType<KeyListQuery> = z.strictObject({
  account: chosenIdSchema.optional(),
  ...pageFields,
});

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
}
