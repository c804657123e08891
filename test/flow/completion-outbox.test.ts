import { expect, test } from "vitest";
import type { Notice } from "#domain/notice.ts";
import {
  type CompletionTargets,
  drainOutbox,
  type ItemFate,
} from "#edge/answers/making/completion-outbox.ts";
import type { AnswerTerms } from "#edge/answers/storage/answer-order.ts";
import { standardKeeping } from "#edge/answers/storage/stored-answers.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { endedAnswer, problem } from "../support/batches.ts";

/** What is told of an answer of a batch whose item names an address of its own. */
async function toldOf(body: AnswerBody, fate: ItemFate | undefined): Promise<readonly string[]> {
  const told: string[] = [];
  const done: string[] = [];
  const terms = {
    job: { id: body.id, accountId: "acc_1" },
    ...{ owner: null, cacheKey: null, noticeId: "evt_1", keeping: standardKeeping },
    payment: { kind: "batch", batchId: "bat_1", index: 0 },
    webhook: { url: "https://named.test/hook", secret: null, wantsDrafts: false },
  } as unknown as AnswerTerms;
  const repository = {
    ended: () => ({ body, at: 1, decoder: null, tasks: ["report", "tell"] as const }),
    settled: () => undefined,
    done: (tasks: readonly string[]) => void done.push(...tasks),
    isErased: false,
  };
  const targets = {
    batches: { itemEnded: async () => fate, itemForgotten: async () => undefined },
    notices: { acceptAt: async ({ type }: Notice) => void told.push(type) },
  } as unknown as CompletionTargets;
  await drainOutbox(repository, terms, targets);
  expect(done.toSorted()).toEqual(["report", "tell"]);
  return told;
}

const passing = problem({ code: "overloaded", retryable: true, status: 503 });
const lasting = problem({ code: "image_truncated", retryable: false, status: 400 });

test.each([
  ["an answer", endedAnswer("ans_1"), "ended", ["answer.completed"]],
  ["a failure that stands", endedAnswer("ans_1", "failed", 0, lasting), "ended", ["answer.failed"]],
  [
    "a failure that may pass, at the last attempt",
    endedAnswer("ans_1", "failed", 0, passing),
    "ended",
    ["answer.failed"],
  ],
  [
    "a failure whose item is tried again, under another id",
    endedAnswer("ans_1", "failed", 0, passing),
    "again",
    [],
  ],
  [
    "a failure of a batch that does not say",
    endedAnswer("ans_1", "failed", 0, passing),
    undefined,
    ["answer.failed"],
  ],
] as const)("an item's own address is told its end alone: %s", async (_, body, fate, told) => {
  expect(await toldOf(body, fate)).toEqual(told);
});
