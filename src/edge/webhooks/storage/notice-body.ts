import type { Notice } from "#domain/notice.ts";
import type { FieldBody } from "#wire/api/answers/fields/field-body.ts";

/**
 * Standard Webhooks advises under 20 KB: beyond it an answer's tokens stay away, and then the probabilities of what a field could have
 * been; `GET /v1/answers/{id}` has them.
 */
const MAX_BODY_BYTES = 20_000;

/** Writes the body of a notice, whose bytes every sending and every signature is of; with less where it would be too long. */
export function noticeBody({ type, at, data }: Notice): string {
  const timestamp = new Date(at).toISOString();
  const written = (told: object): string => JSON.stringify({ type, timestamp, data: told });
  const whole = written(data);
  if (isShort(whole)) return whole;
  const { tokens: _, ...rest }: AnswerParts = data;
  const wordless = { ...rest, tokens: [], truncated: true };
  const { fields } = wordless;
  const shorter = written(wordless);
  if (isShort(shorter) || fields === undefined) return shorter;
  return written({ ...wordless, fields: withoutProbabilities(fields) });
}

/** What of an answer may be long. */
interface AnswerParts {
  readonly tokens?: unknown;
  readonly fields?: Readonly<Record<string, FieldBody>>;
}

function isShort(body: string): boolean {
  return new TextEncoder().encode(body).length <= MAX_BODY_BYTES;
}

function withoutProbabilities(
  fields: Readonly<Record<string, FieldBody>>,
): Readonly<Record<string, FieldBody>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      "items" in field ? { ...field, items: field.items.map(unweighted) } : unweighted(field),
    ]),
  );
}

function unweighted<Body extends FieldBody>(field: Body): Body {
  return "probabilities" in field ? { ...field, probabilities: [] } : field;
}
