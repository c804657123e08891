import type { Failure } from "#domain/failure.ts";
import type { Question } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequest } from "#wire/requests.ts";

/** A question that has been let in. */
export interface Job {
  readonly id: string;
  readonly accountId: string;
  readonly model: string;
  readonly question: Question;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Lets a question in, or refuses what can be seen without work: `unknown_model`, `image_unsupported`. */
export function admit(request: AnswerRequest, job: Omit<Job, "question">): Result<Job, Failure> {
  if (request.model !== undefined && request.model !== job.model)
    return refuse({ kind: "unknown_model", model: request.model, known: [job.model] });
  const stranger = request.question.images.findIndex((image) => !isPicture(image));
  if (stranger !== -1)
    return refuse({
      kind: "image_unsupported",
      image: stranger,
      reason: "it is no JPEG, PNG, WebP or GIF file",
    });
  return ok({ ...job, question: request.question });
}

/**
 * First bytes of the files that the function decodes; undefined stands for any byte. Sources: ITU T.81 B.1.1.3 · PNG
 * 5.2 · RFC 9649 section 2.4 · GIF89a section 17. What follows them is the function's to judge.
 */
const signatures: readonly (readonly (number | undefined)[])[] = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  [...latin1("RIFF"), undefined, undefined, undefined, undefined, ...latin1("WEBP")],
  latin1("GIF87a"),
  latin1("GIF89a"),
];

function isPicture(bytes: Uint8Array): boolean {
  return signatures.some((signature) =>
    signature.every((byte, index) =>
      byte === undefined ? index < bytes.length : bytes[index] === byte,
    ),
  );
}

function latin1(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
