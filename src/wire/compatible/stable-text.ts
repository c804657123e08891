import type { AnswerBody } from "../api/answers/responses.ts";
import type { SseMessage } from "../codec/sse.ts";
import { type Problem, problemOf, type RefusedRequest } from "../error.ts";
import type { FrameBody } from "../function/event-messages.ts";

/** An answer as text that grows: pieces to append, then how it ended. */
export type TextUpdate =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "end"; readonly answer: AnswerBody }
  | { readonly kind: "failed"; readonly problem: Problem };

/**
 * Reads our own events of an answer, from its first, as text that grows. Where the answer begins anew, what was told stands as
 * long as the new one begins with it; else it fails with `answer_restarted`, since text cannot be taken back. Throws where the
 * events stop before the answer does.
 */
export async function* growingText(
  messages: AsyncIterable<SseMessage>,
  request: RefusedRequest,
): AsyncGenerator<TextUpdate, void, undefined> {
  const stable = new StableText();
  for await (const { event, data } of messages) {
    const body: unknown = JSON.parse(data);
    // A field is told with the end: what it says is a piece of JSON out of its place.
    if (event === "answer.started" || event === "field.completed") continue;
    if (event === "answer.restarted") {
      stable.beginAnew();
      continue;
    }
    if (event === "answer.failed") {
      yield { kind: "failed", problem: body as Problem };
      return;
    }
    const isFrame = event === "answer.frame";
    const text = isFrame ? stable.push(body as FrameBody) : stable.end((body as AnswerBody).answer);
    if (text === undefined) {
      yield { kind: "failed", problem: problemOf({ kind: "answer_restarted" }, request) };
      return;
    }
    if (text !== "") yield { kind: "text", text };
    if (isFrame) continue;
    yield { kind: "end", answer: body as AnswerBody };
    return;
  }
  throw new Error("the events of an answer ended before it did");
}

/**
 * Turns frames, which fill a canvas in any order, into text that only ever grows at its end: what clients that know
 * nothing else expect of a stream. What may still change or be cut off is not below `stable_until`; the function sees to
 * that, which knows the tokens and the stop texts.
 */
export class StableText {
  #pieces: (string | undefined)[] = [];
  #told = "";
  #hasBegunAnew = false;

  /** The answer begins anew: its frames come again from the first. */
  beginAnew(): void {
    this.#pieces = [];
    this.#hasBegunAnew = true;
  }

  /** Takes a frame; returns the text that has become final with it, often none. Undefined where what was told has become wrong. */
  push({
    revealed,
    revised,
    stable_until: stableUntil,
  }: Pick<FrameBody, "revealed" | "revised" | "stable_until">): string | undefined {
    for (const { position, text } of [...revealed, ...revised]) this.#pieces[position] = text;
    return this.#tell(this.#pieces.slice(0, stableUntil).join(""));
  }

  /**
   * Returns what of the finished answer has not been told. Undefined where it began anew and what was told has become wrong;
   * throws where it is not what the frames promised.
   */
  end(answer: string): string | undefined {
    if (!answer.startsWith(this.#told) && !this.#hasBegunAnew)
      throw new Error("the answer does not begin with what its frames called stable");
    return answer.length < this.#told.length ? undefined : this.#tell(answer);
  }

  #tell(text: string): string | undefined {
    const isPart = text.length < this.#told.length;
    const [longer, shorter] = isPart ? [this.#told, text] : [text, this.#told];
    if (!longer.startsWith(shorter)) return undefined;
    const fresh = text.slice(this.#told.length);
    this.#told += fresh;
    return fresh;
  }
}
