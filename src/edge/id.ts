import { encodeBase62 } from "#wire/codec/base62.ts";

/** 120 random bits: no two ids ever meet, and nobody guesses one. */
const ID_BYTES = 15;
const ID_DIGITS = 21;

/** Makes an id such as `acc_…`, `req_…`. */
export function newId(
  prefix:
    | "acc"
    | "bat"
    | "quo"
    | "ctk"
    | "era"
    | "evt"
    | "grt"
    | "rfd"
    | "req"
    | "tkt"
    | "ses"
    | "whe"
    | "whd",
): string {
  return `${prefix}_${encodeBase62(crypto.getRandomValues(new Uint8Array(ID_BYTES)), ID_DIGITS)}`;
}
