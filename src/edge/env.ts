import { z } from "zod";
import { jsonText } from "#wire/json-text.ts";
import { MAX_NAME_LENGTH } from "#wire/limits.ts";
import { signingKeyText, type TicketSigningKey } from "#wire/ticket.ts";
import type { KeyRecord } from "./keys/key-store.ts";

/** What wrangler binds: `vars` of wrangler.toml, and secrets. The bucket WEIGHTS is bound for its local S3 endpoint only. */
export interface Bindings {
  /** Name of the model that is served. */
  readonly MODEL: string;
  /** Base address of the inference function, without a path. */
  readonly FUNCTION_URL: string;
  /** Seconds after which a silent function is given up. */
  readonly FUNCTION_SILENCE_SECONDS: string;
  /** Secret: private JWK that signs tickets, as JSON. */
  readonly TICKET_KEY: string;
  /** Secret: the one API key there is, as JSON `{"id", "secret_sha256", "account"}`. */
  readonly API_KEY: string;
}

/** What a request carries through guards and routes. */
export interface EdgeEnv {
  readonly Bindings: Bindings;
  readonly Variables: {
    readonly requestId: string;
    /** Set by the guard `apiKey`, so on `/v1/*` only. */
    readonly key: KeyRecord;
  };
}

export interface Settings {
  readonly model: string;
  readonly functionUrl: string;
  readonly functionSilenceSeconds: number;
  readonly ticketKey: TicketSigningKey;
  readonly apiKey: KeyRecord;
}

const parsed = new WeakMap<Bindings, Settings>();

/** Reads the settings, once per isolate. Throws where one is missing or malformed, naming it and never quoting it. */
export function settingsOf(bindings: Bindings): Settings {
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

const keyRecord: z.ZodType<KeyRecord> = z
  .object({
    id: z.string().length(16),
    secret_sha256: z.string().regex(/^[0-9a-f]{64}$/),
    account: z.string().min(1).max(MAX_NAME_LENGTH),
  })
  .transform(({ id, secret_sha256, account }) => ({
    id,
    secretSha256: secret_sha256,
    accountId: account,
  }));

const settingsSchema: z.ZodType<Settings> = z
  .object({
    MODEL: z.string().min(1).max(MAX_NAME_LENGTH),
    FUNCTION_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, "")),
    FUNCTION_SILENCE_SECONDS: z.coerce.number().positive().max(600),
    TICKET_KEY: signingKeyText,
    API_KEY: jsonText(keyRecord),
  })
  .transform((bindings) => ({
    model: bindings.MODEL,
    functionUrl: bindings.FUNCTION_URL,
    functionSilenceSeconds: bindings.FUNCTION_SILENCE_SECONDS,
    ticketKey: bindings.TICKET_KEY,
    apiKey: bindings.API_KEY,
  }));
