import type { Question } from "#domain/question.ts";
import { decodeGenerate, encodeGenerate } from "#wire/function/generate.ts";

/** A value in a Durable Object has at most 2 MB; UTF-16 units take up to 3 bytes each. Source: Durable Objects, limits. */
const PART_LENGTH = 600_000;

/** Cuts a text into parts that a row can hold. Never cuts a character in two: half of one is no text that a store would give back. */
export function partsOf(text: string): string[] {
  const parts: string[] = [];
  for (let from = 0; from < text.length; ) {
    const isHalf = /[\uD800-\uDBFF]/.test(text.charAt(from + PART_LENGTH - 1));
    const to = from + PART_LENGTH + (isHalf ? 1 : 0);
    parts.push(text.slice(from, to));
    from = to;
  }
  return parts;
}

/** Writes a question as the text of the bytes that a function gets. */
export function questionText(question: Question): string {
  return new TextDecoder().decode(encodeGenerate(question));
}

/** Reads what `questionText` wrote. Throws where it is refused: what is kept was let in before. */
export function readQuestion(text: string): Question {
  const question = decodeGenerate(new TextEncoder().encode(text));
  if (!question.ok) throw new Error(`a kept question is refused: ${question.refusal.kind}`);
  return question.value;
}
