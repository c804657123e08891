import type * as z from "zod";
import type { MessageBody } from "../api/answers/answer-request.ts";
import type { AskedCard } from "../api/answers/options.ts";
import type { SentPlaces } from "./sent-places.ts";

/** A message of another API's body, read as one of ours, with the places in that body where it came from. */
export interface PlacedMessage {
  readonly message: MessageBody;
  /** JSON Pointer of the message. */
  readonly at: string;
  /** Of its text. */
  readonly content: string;
  /** Of each of its pictures. */
  readonly images: readonly string[];
}

/** OpenAI's clients send null for what they leave open. Undefined where the body is no object. */
export function presentFields(body: unknown): Record<string, unknown> | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** The same fields where null may stand for what is left open. */
export function nullable(schemas: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const takesNull = schema.safeParse(null).success;
      return [name, (takesNull ? schema : schema.nullable()).exactOptional()];
    }),
  );
}

/**
 * The canvas that a ceiling of tokens asks for: as long, but no longer than the model's card recommends, or than `asked`, the
 * `canvas` of `x_unmask`, whose type is for our own schema to refuse.
 */
export function canvasUnder(
  ceiling: number | undefined,
  asked: unknown,
  { abilities }: AskedCard,
): { readonly canvas?: number } {
  const canvas = asked ?? abilities.canvas.recommended;
  return ceiling === undefined || typeof canvas !== "number"
    ? {}
    : { canvas: Math.min(ceiling, canvas) };
}

/**
 * The places of our own body in the one that was sent: its `messages` came from the member `list`, the `sent` fields have the same
 * names in both, and everything else from `x_unmask`.
 */
export function placesIn(
  placed: readonly PlacedMessage[],
  { list, sent }: { readonly list: string; readonly sent: readonly string[] },
): SentPlaces {
  return (pointer) => {
    const [, field = "", index, member, image] = pointer.split("/");
    if (field !== "messages") return sent.includes(field) ? pointer : `/x_unmask${pointer}`;
    const message = placed[Number(index)];
    if (message === undefined) return `/${list}`;
    if (member === "images") return message.images[Number(image)] ?? message.at;
    return member === "content" ? message.content : `${message.at}/${member}`;
  };
}

/** The same of a question that was read, and refused for what its pictures have together: they stand in the list. */
export function latePlacesIn(
  placed: readonly PlacedMessage[],
  places: { readonly list: string; readonly sent: readonly string[] },
): SentPlaces {
  const placeOf = placesIn(placed, places);
  return (pointer) => (pointer === "/images" ? `/${places.list}` : placeOf(pointer));
}
