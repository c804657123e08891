import type { AnswerEvent } from "#domain/event.ts";

/**
 * Tells an answer that is cut off that it was, so that its edge takes it for no fault of the answer's. What is under way in the
 * runtime is not waited for.
 */
export async function* untilCut(
  events: AsyncGenerator<AnswerEvent>,
  cut: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const isCut = Promise.withResolvers<"cut">();
  const onCut = (): void => isCut.resolve("cut");
  cut.addEventListener("abort", onCut, { once: true });
  if (cut.aborted) onCut();
  try {
    for (;;) {
      const next = await Promise.race([isCut.promise, events.next()]);
      if (next === "cut") return yield { kind: "answer.failed", failure: { kind: "draining" } };
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    cut.removeEventListener("abort", onCut);
    void events.return(undefined).catch(() => undefined);
  }
}
