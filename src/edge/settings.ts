import * as z from "zod";
import type { RateLimits } from "#domain/limits.ts";
import { type Retention, standardRetention } from "#domain/retention.ts";
import { rateLimitsText } from "#wire/api/accounts/limits-body.ts";
import { retentionText } from "#wire/api/retention-body.ts";
import { jsonText } from "#wire/codec/json-text.ts";
import { type FunctionKey, functionKeysText } from "#wire/fleet/function-keys.ts";
import { type CardOverride, modelCardsSchema } from "#wire/function/model-card.ts";
import { signingKeyText, type TicketSigningKey } from "#wire/function/ticket-keys.ts";
import { MAX_NAME_LENGTH } from "#wire/limits.ts";

/** Variables of wrangler.toml, and secrets, as they are bound: text. */
export interface SettingVariables {
  /** Name of the model of requests that name none; absent: the only one that is served. */
  readonly MODEL?: string;
  /**
   * Base addresses of the inference functions, without a path, separated by commas. Each says itself which model it serves. Absent, or
   * empty: none but those that register by FUNCTION_KEYS.
   */
  readonly FUNCTION_URL?: string;
  /** Base address of the fetch hop, without a path; absent: the first of FUNCTION_URL, which serves it too. */
  readonly FETCH_URL?: string;
  /** What the hop's UNMASK_FETCH_PRIVATE says; absent: `refuse`. */
  readonly FETCH_PRIVATE?: string;
  /** How many answers of one account the functions may have at one time; others of it wait. */
  readonly ACCOUNT_PLACES: string;
  /** Seconds after which a silent function is given up. */
  readonly FUNCTION_SILENCE_SECONDS: string;
  /** What holds of models otherwise than their functions tell, by name, as JSON; absent: nothing. */
  readonly MODEL_CARDS?: string;
  /** Public keys of functions that register by themselves, with what each may register, as JSON; absent: none does. */
  readonly FUNCTION_KEYS?: string;
  /** How much of a model's answers a version of it gets, by the model's name, as JSON; absent: every version gets its share. */
  readonly CANARY?: string;
  /** Where in the bucket WEIGHTS the bundles lie, as the function's UNMASK_S3_PREFIX; absent: at its top. */
  readonly WEIGHTS_PREFIX?: string;
  /** How many days the backups keep what is not lines of a ledger; absent: 30. */
  readonly BACKUP_DAYS?: string;
  /** Secret: private JWK that signs tickets, as JSON. */
  readonly TICKET_KEY: string;
  /** Limits of keys and accounts that are made without any, as JSON. */
  readonly KEY_LIMITS: string;
  readonly ACCOUNT_LIMITS: string;
  /** How long what is kept stays where an account does not say otherwise, as JSON; what is absent: `standardRetention`. */
  readonly RETENTION?: string;
  /** `eu` or `us`: where objects compute and are stored; absent: anywhere. Said before the first request, and never changed. */
  readonly JURISDICTION?: string;
  /** Secret: opens the administration; without it that is closed. */
  readonly ADMIN_KEY?: string;
  /** Secret: opens the administration as well, while it replaces `ADMIN_KEY`. */
  readonly ADMIN_KEY_NEXT?: string;
  /** Secret: `{"provider": "stripe", "url", "secret"}` as JSON; without it nobody can buy credit by themselves. */
  readonly TOP_UP?: string;
  /** Secret: `{"key", "meter"}` as JSON; without it no charges are exported to Stripe. */
  readonly STRIPE?: string;
}

export interface Settings {
  /** Of requests that name none; undefined: the only one that is served. */
  readonly model: string | undefined;
  /** By the names of their models. */
  readonly cards: Readonly<Record<string, CardOverride>>;
  /** Each once; at least one, unless functions register by themselves. */
  readonly functionUrls: readonly string[];
  /** Of functions that register by themselves. */
  readonly functionKeys: readonly FunctionKey[];
  /** By the names of their models. */
  readonly canaries: Readonly<Record<string, CanarySetting>>;
  /** Where pictures are fetched and webhooks sent from. */
  readonly fetchUrl: string;
  /** Whether that also reaches http, any port and private networks. */
  readonly allowsPrivateFetch: boolean;
  readonly functionSilenceSeconds: number;
  readonly accountPlaces: number;
  /** Empty, or ends with a slash. */
  readonly weightsPrefix: string;
  /** How long snapshots of the tables, and what else may be personal, stay in the backups. */
  readonly backupDays: number;
  readonly ticketKey: TicketSigningKey;
  readonly keyLimits: RateLimits;
  readonly accountLimits: RateLimits;
  readonly retention: Retention;
  /** Where its objects are; null: anywhere. */
  readonly jurisdiction: "eu" | "us" | null;
  /** None: nobody is an administrator. Two while one replaces the other. */
  readonly adminKeys: readonly string[];
  readonly stripe: StripeSettings | undefined;
  readonly topUp: TopUpSettings | undefined;
}

/** How much of a model's answers one version of it gets: the first so many percent, by the answers' ids. */
export interface CanarySetting {
  /** Lower-case hex SHA-256 of the version's manifest. */
  readonly digest: string;
  readonly percent: number;
}

/** Where credit is bought. */
export interface TopUpSettings {
  readonly provider: "stripe";
  /** Of the checkout, which is given the account's id as `client_reference_id`. */
  readonly url: string;
  /** Signs what the provider says of payments. */
  readonly secret: string;
}

export interface StripeSettings {
  /** Secret key of the Stripe account. */
  readonly key: string;
  /** Event name of the meter that counts micro-dollars. */
  readonly meter: string;
  readonly baseUrl: string;
}

/** Threat: an admin key that can be guessed. 32 characters of any alphabet that machines draw from are 128 bits. */
const MIN_ADMIN_KEY_LENGTH = 32;

const parsed = new WeakMap<SettingVariables, Settings>();

/** Reads the settings, once per isolate. Throws where one is missing or malformed, naming it and never quoting it. */
export function settingsOf(bindings: SettingVariables): Settings {
  const known = parsed.get(bindings);
  if (known !== undefined) return known;
  const result = settingsSchema.safeParse(bindings);
  if (!result.success) {
    const faults = result.error.issues.map(
      ({ path, message }) => `${path.join(".") || "settings"}: ${message}`,
    );
    throw new Error(`the edge is not configured: ${faults.join("; ")}`);
  }
  parsed.set(bindings, result.data);
  return result.data;
}

const stripeSchema: z.ZodType<StripeSettings> = z
  .strictObject({
    key: z.string().min(1).max(256),
    meter: z.string().min(1).max(100),
    url: z.url({ protocol: /^https?$/ }).default("https://api.stripe.com"),
  })
  .transform(({ key, meter, url }) => ({ key, meter, baseUrl: url.replace(/\/$/, "") }));

const topUpSchema: z.ZodType<TopUpSettings> = z.strictObject({
  provider: z.literal("stripe"),
  url: z.url({ protocol: /^https$/ }).max(2048),
  secret: z.string().min(16).max(256),
});

const baseUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ""));

/** Threat: as many requests to functions as a Worker may make, only to ask who serves what. A Worker may have six connections open at once. */
const MAX_FUNCTIONS = 16;

const baseUrls: z.ZodType<readonly string[], string> = z
  .string()
  .transform((list) => (list === "" ? [] : list.split(",").map((url) => url.trim())))
  .pipe(z.array(baseUrl).max(MAX_FUNCTIONS))
  .transform((urls) => [...new Set(urls)]);

const canaries: z.ZodType<Readonly<Record<string, CanarySetting>>> = z.record(
  z.string().min(1).max(MAX_NAME_LENGTH),
  z.strictObject({
    digest: z.string().regex(/^[0-9a-f]{64}$/),
    percent: z.number().min(0).max(100),
  }),
);

/** A key of R2 has 1024 bytes at the most. */
const MAX_PREFIX_LENGTH = 512;

/** Ten years: what is kept for longer is an archive, and no backup. */
const MAX_BACKUP_DAYS = 3_650;
const adminKey = z.string().min(MIN_ADMIN_KEY_LENGTH).max(256);

const settingsSchema: z.ZodType<Settings> = z
  .object({
    MODEL: z.string().min(1).max(MAX_NAME_LENGTH).optional(),
    FUNCTION_URL: baseUrls.default([]),
    FETCH_URL: baseUrl.optional(),
    FETCH_PRIVATE: z.enum(["refuse", "allow"]).default("refuse"),
    ACCOUNT_PLACES: z.coerce.number().int().min(1).max(10_000),
    FUNCTION_SILENCE_SECONDS: z.coerce.number().positive().max(600),
    MODEL_CARDS: jsonText(modelCardsSchema).optional(),
    FUNCTION_KEYS: functionKeysText.optional(),
    CANARY: jsonText(canaries).optional(),
    WEIGHTS_PREFIX: z.string().max(MAX_PREFIX_LENGTH).default(""),
    BACKUP_DAYS: z.coerce.number().int().min(1).max(MAX_BACKUP_DAYS).default(30),
    TICKET_KEY: signingKeyText,
    KEY_LIMITS: rateLimitsText,
    ACCOUNT_LIMITS: rateLimitsText,
    RETENTION: retentionText.default({}),
    JURISDICTION: z.enum(["eu", "us"]).optional(),
    ADMIN_KEY: adminKey.optional(),
    ADMIN_KEY_NEXT: adminKey.optional(),
    STRIPE: jsonText(stripeSchema).optional(),
    TOP_UP: jsonText(topUpSchema).optional(),
  })
  .superRefine(({ FUNCTION_URL: urls, FUNCTION_KEYS: keys = [], FETCH_URL: hop }, context) => {
    if (urls.length > 0) return;
    if (keys.length === 0) {
      const message =
        "names no function, and no key of FUNCTION_KEYS lets one register: say either";
      context.addIssue({ code: "custom", path: ["FUNCTION_URL"], message });
    }
    if (hop === undefined) {
      const message = "is missing: where FUNCTION_URL names no function, nobody else fetches";
      context.addIssue({ code: "custom", path: ["FETCH_URL"], message });
    }
  })
  .superRefine(({ JURISDICTION: place, FUNCTION_KEYS: keys = [] }, context) => {
    if (place === undefined) return;
    for (const { kid, region } of keys) {
      if (region === place || region.startsWith(`${place}-`)) continue;
      const message = `the region ${region} of the key ${kid} is not said to be of the jurisdiction ${place}: call it ${place}-${region} if its functions are there, and leave the key out if they are not`;
      context.addIssue({ code: "custom", path: ["FUNCTION_KEYS"], message });
    }
  })
  .transform((bindings) => ({
    model: bindings.MODEL,
    cards: bindings.MODEL_CARDS ?? {},
    functionUrls: bindings.FUNCTION_URL,
    functionKeys: bindings.FUNCTION_KEYS ?? [],
    canaries: bindings.CANARY ?? {},
    fetchUrl: bindings.FETCH_URL ?? bindings.FUNCTION_URL[0] ?? "",
    allowsPrivateFetch: bindings.FETCH_PRIVATE === "allow",
    accountPlaces: bindings.ACCOUNT_PLACES,
    functionSilenceSeconds: bindings.FUNCTION_SILENCE_SECONDS,
    weightsPrefix: bindings.WEIGHTS_PREFIX.replace(/^\/+|\/+$/g, "").replace(/.$/, "$&/"),
    backupDays: bindings.BACKUP_DAYS,
    ticketKey: bindings.TICKET_KEY,
    keyLimits: bindings.KEY_LIMITS,
    accountLimits: bindings.ACCOUNT_LIMITS,
    jurisdiction: bindings.JURISDICTION ?? null,
    retention: { ...standardRetention, ...bindings.RETENTION },
    adminKeys: [bindings.ADMIN_KEY, bindings.ADMIN_KEY_NEXT].filter((key) => key !== undefined),
    stripe: bindings.STRIPE,
    topUp: bindings.TOP_UP,
  }));

/** Names of all that is read, for those who hand variables of a machine on to a Worker. */
export function settingNames(): readonly string[] {
  const { properties } = z.toJSONSchema(settingsSchema, { io: "input", unrepresentable: "any" });
  return Object.keys(properties ?? {});
}
