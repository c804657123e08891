import * as z from "zod";
import { jsonText } from "../codec/json-text.ts";
import type { VerificationKey } from "../codec/signed-jwt.ts";
import { MAX_NAME_LENGTH } from "../limits.ts";

/** A key of functions, and what may be registered with it: so much of the customers' questions whoever has it can come to read. */
export interface FunctionKey extends VerificationKey {
  /** Addresses that may be registered: an origin (`https://a.example`), or one for all names below a domain (`https://*.fn.example`). */
  readonly urls: readonly string[];
  /** Models that may be served there, by name. */
  readonly models: readonly string[];
  /** Where all of them are: the operator's word, which no function can change. */
  readonly region: string;
}

/** Threat: an isolate that hears of too many places. A region and a model have an object each, which every isolate asks every few seconds. */
const MAX_KEYS = 32;
const MAX_MODELS = 16;
const MAX_URLS = 64;

/** What stands before the names below a domain. */
const BELOW = "*.";

const origin = z
  .string()
  .max(256)
  .transform((text, context) => {
    const url = URL.parse(text.replace(`//${BELOW}`, "//"));
    const isOrigin = url !== null && /^https?:$/.test(url.protocol) && isBare(url);
    if (isOrigin && !/[*]/.test(url.host))
      return text.includes(`//${BELOW}`) ? url.origin.replace("//", `//${BELOW}`) : url.origin;
    context.addIssue({
      code: "custom",
      message: "is no origin: https://name, or https://*.domain for all names below it",
    });
    return z.NEVER;
  });

/** What regions are called: a part of the name of an object, so no slash. */
export const regionName: z.ZodType<string> = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "is no region: letters a-z, digits and hyphens");

const functionKey = z.object({
  kid: z.string().min(1).max(128),
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.base64url().length(43),
  urls: z.array(origin).min(1).max(MAX_URLS),
  models: z.array(z.string().min(1).max(MAX_NAME_LENGTH)).min(1).max(MAX_MODELS),
  region: regionName,
});

/** Schema of the keys whose functions an edge takes in, given as JSON text in a setting. */
export const functionKeysText: z.ZodType<readonly FunctionKey[], string> = jsonText(
  z
    .array(functionKey)
    .max(MAX_KEYS)
    .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, "two have one kid"),
);

/** Whether a key is for an address, which must be an origin in its one form (`new URL(…).origin`). */
export function isOfKey({ urls }: Pick<FunctionKey, "urls">, address: string): boolean {
  const url = URL.parse(address);
  if (url === null || url.origin !== address || !isBare(url)) return false;
  return urls.some((pattern) => {
    if (!pattern.includes(`//${BELOW}`)) return pattern === address;
    const domain = new URL(pattern.replace(BELOW, ""));
    return (
      url.protocol === domain.protocol &&
      url.port === domain.port &&
      url.hostname.endsWith(`.${domain.hostname}`)
    );
  });
}

function isBare({ username, password, pathname, search, hash }: URL): boolean {
  return username === "" && password === "" && pathname === "/" && search === "" && hash === "";
}
