import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { MAX_JSON_VALUES } from "../limits.ts";
import { countJsonValues } from "./json-size.ts";

/**
 * Parses UTF-8 JSON; anything else is an `invalid_request` about the whole body. `placeOf` says where a character of the
 * text stands in what the caller sent.
 */
export function parseJson(
  bytes: Uint8Array,
  placeOf: (character: number) => number = (character) => character,
): Result<unknown, Failure> {
  if (countJsonValues(bytes, MAX_JSON_VALUES) > MAX_JSON_VALUES)
    return refuseBody(`has more than ${MAX_JSON_VALUES} values; no request needs so many`);
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    if (cause instanceof TypeError) return refuseBody(NOT_UTF8);
    if (!(cause instanceof SyntaxError)) throw cause;
    return refuseBody(jsonSentence(cause, placeOf));
  }
}

/** What is said of a body whose bytes are no text. */
export const NOT_UTF8 = "is not UTF-8 text";

/** Refuses a body as a whole. */
export function refuseBody(message: string): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: [{ pointer: "", message }] });
}

/** Where the text stops being JSON, for the engine's own words quote what the caller sent. */
function jsonSentence({ message }: SyntaxError, placeOf: (character: number) => number): string {
  const [, position] = /at position ([0-9]+)/.exec(message) ?? [];
  if (position !== undefined)
    return `is not JSON (RFC 8259): see character ${placeOf(Number(position)) + 1}`;
  return message.includes("end of JSON input")
    ? "is not JSON (RFC 8259): it is empty or ends too early"
    : "is not JSON (RFC 8259)";
}
