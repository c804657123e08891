import { ok, type Result, refuse } from "#domain/result.ts";
import { encodeBase62 } from "../../codec/base62.ts";
import { sha256Hex } from "../../codec/digest.ts";

/**
 * An API key as its owner holds it: `umk_<environment>_<id>_<secret>_<checksum>`. The id is public and finds the record,
 * the secret proves the owner, the checksum lets clients and scanners see a typo without asking anyone.
 */
export interface ApiKey {
  readonly environment: KeyEnvironment;
  /** 16 base-62 digits. */
  readonly id: string;
  /** 43 base-62 digits: 256 random bits. */
  readonly secret: string;
}

export type KeyEnvironment = "live" | "test";

/** What a key may be used for. */
export type KeyScope = (typeof KEY_SCOPES)[number];

export const KEY_SCOPES = ["ask", "jobs", "webhooks", "usage", "keys"] as const;

/** 88 bits: ids are drawn without asking whether they are taken. */
const ID_BYTES = 11;
const ID_DIGITS = 16;
const SECRET_BYTES = 32;
const SECRET_DIGITS = 43;
const CHECKSUM_DIGITS = 6;

const shape = new RegExp(
  `^umk_(live|test)_([0-9A-Za-z]{${ID_DIGITS}})_([0-9A-Za-z]{${SECRET_DIGITS}})_([0-9A-Za-z]{${CHECKSUM_DIGITS}})$`,
);

/** Makes a key from randomness; `random(n)` returns n unpredictable bytes. */
export function generateKey(
  environment: KeyEnvironment,
  random: (bytes: number) => Uint8Array,
): ApiKey {
  return {
    environment,
    id: encodeBase62(random(ID_BYTES), ID_DIGITS),
    secret: encodeBase62(random(SECRET_BYTES), SECRET_DIGITS),
  };
}

/** Writes a key out; shown to its owner once and kept nowhere. */
export function formatKey({ environment, id, secret }: ApiKey): string {
  const body = `umk_${environment}_${id}_${secret}`;
  return `${body}_${checksum(body)}`;
}

/** Reads a key, offline: says whether it can be one, not whether it is valid. */
export function parseKey(text: string): Result<ApiKey, "malformed" | "mistyped"> {
  const [, environment, id, secret, digits] = shape.exec(text) ?? [];
  if (id === undefined || secret === undefined) return refuse("malformed");
  if (checksum(text.slice(0, text.lastIndexOf("_"))) !== digits) return refuse("mistyped");
  return ok({ environment: environment === "live" ? "live" : "test", id, secret });
}

/**
 * Returns what is stored of a key: hex SHA-256 of its secret. A fast hash is right here: 256 random bits cannot be
 * guessed, however fast, and every request pays for the hash.
 */
export async function hashSecret({ secret }: ApiKey): Promise<string> {
  return await sha256Hex(new TextEncoder().encode(secret));
}

function checksum(body: string): string {
  const sum = crc32(new TextEncoder().encode(body));
  const bytes = Uint8Array.of(sum >>> 24, sum >>> 16, sum >>> 8, sum);
  return encodeBase62(bytes, CHECKSUM_DIGITS);
}

/** Source: ISO 3309, the reflected polynomial 0xEDB88320. Bit by bit: keys are 70 bytes. */
function crc32(bytes: Uint8Array): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb8_8320 : 0);
  }
  return ~sum >>> 0;
}
