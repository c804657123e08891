import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { admit } from "#edge/answers/admit.ts";
import { newAnswerId, objectNameOf } from "#edge/answers/answer-id.ts";
import type { AnswerOrder, CompletionTask } from "#edge/answers/storage/answer-order.ts";
import { AnswerRepository } from "#edge/answers/storage/answer-repository.ts";
import { ANSWER_LIFETIME_MS, WORK_LIFETIME_MS } from "#edge/answers/storage/answer-retention.ts";
import { AnswerRows } from "#edge/answers/storage/answer-rows.ts";
import { standardKeeping } from "#edge/answers/storage/stored-answers.ts";
import { noProgress } from "#edge/answers/storage/stored-progress.ts";
import { endedAnswer } from "../support/batches.ts";
import { question, untold } from "../support/edge-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";
import { kept } from "../support/orders.ts";

const IDS = ["ans_2a", "ans_2b", "ans_2c"];
const TASKS: readonly CompletionTask[] = ["settle", "tell", "list"];
const AT = 1_790_000_000_000;
const nothingShown = await kept(question({ images: [] }));

type Change =
  | { readonly kind: "kept" | "ended" | "forgets work" | "forgotten" | "flushed" }
  | { readonly kind: "done"; readonly tasks: readonly CompletionTask[] };

const changes = fc.array(
  fc.record({
    id: fc.constantFrom(...IDS),
    /** Whether the object dies before it. */
    dies: fc.boolean(),
    change: fc.oneof(
      fc.constantFrom<Change>({ kind: "kept" }, { kind: "ended" }, { kind: "forgets work" }),
      fc.constantFrom<Change>({ kind: "forgotten" }, { kind: "flushed" }),
      fc.record({ kind: fc.constant("done" as const), tasks: fc.subarray([...TASKS]) }),
    ),
  }),
  { maxLength: 25 },
);

/** What is known of one answer. */
interface Known {
  tasks: readonly CompletionTask[] | null;
  /** As they are in the rows: that none is left is written with the next write. */
  stored: readonly CompletionTask[] | null;
  hasWork: boolean;
}

const prices = { view: 0n, linear: 1_000_000n, attention: 0n };
const card = { ...untold, id: "demo", image: null, hitPrice: micros(0), prices };

function order(id: string): AnswerOrder {
  const terms = { id, accountId: "acc_1", card, warnings: [], createdAt: AT };
  const job = admit(nothingShown, terms);
  if (!job.ok) throw new Error(job.refusal.kind);
  return {
    job: { ...job.value, question: nothingShown },
    ...{ keyId: "key_1", requestId: "req_1", traceparent: null, deadlineAt: null },
    ...{ isRepeatable: true, payment: { kind: "hold" }, webhook: null, cacheKey: null },
    ...{ owner: null, follows: null, isAccepted: false, share: 4, hasPlace: true, numerics: null },
    keeping: standardKeeping,
  };
}

function apply(known: Map<string, Known>, id: string, change: Change): void {
  if (change.kind === "flushed" || isWritten(known, id, change))
    for (const answer of known.values()) answer.stored = answer.tasks;
}

/** Says whether the change is written at once, and whatever was not with it. */
function isWritten(known: Map<string, Known>, id: string, change: Change): boolean {
  const answer = known.get(id);
  if (answer === undefined) {
    if (change.kind === "kept") known.set(id, { tasks: null, stored: null, hasWork: true });
    return change.kind === "kept";
  }
  const { tasks } = answer;
  if (change.kind === "ended" && tasks === null) answer.tasks = TASKS;
  if (change.kind === "ended") return tasks === null;
  if (tasks === null || change.kind === "kept") return false;
  if (change.kind === "forgets work") answer.hasWork = false;
  if (change.kind === "forgotten") known.delete(id);
  if (change.kind !== "done") return true;
  answer.tasks = tasks.filter((task) => !change.tasks.includes(task));
  return answer.tasks.length > 0 && answer.tasks.length < tasks.length;
}

function act(repository: AnswerRepository, id: string, change: Change): void {
  if (change.kind === "kept") {
    repository.take(order(id));
    repository.keepOrder();
  }
  if (repository.terms() === null) return;
  if (change.kind === "ended")
    repository.end({ body: endedAnswer(id), tasks: TASKS, at: AT, decoder: "3" }, noProgress);
  if (change.kind === "done") repository.done(change.tasks);
  if (change.kind === "forgets work") repository.forgetWork();
  if (change.kind === "forgotten" && repository.ended() !== null) repository.forget();
}

describe("the rows of answers that share an object", () => {
  test("say after any change, and any death, who is open and when which of the others is due", () => {
    fc.assert(
      fc.property(changes, (happening) => {
        const store = nodeStore(new DatabaseSync(":memory:"));
        const known = new Map<string, Known>();
        let rows = new AnswerRows(store);
        let repositories = new Map<string, AnswerRepository>();
        for (const { id, dies, change } of happening) {
          if (dies) {
            [rows, repositories] = [new AnswerRows(store), new Map()];
            for (const answer of known.values()) answer.tasks = answer.stored;
          }
          const repository =
            repositories.get(id) ?? new AnswerRepository(rows, id, () => `evt_${id}`);
          repositories.set(id, repository);
          if (change.kind === "flushed") rows.flush();
          act(repository, id, change);
          apply(known, id, change);

          const answers = [...known];
          const open = answers.filter(([, { tasks }]) => tasks === null || tasks.length > 0);
          expect([...rows.opened()].sort()).toEqual(open.map(([name]) => name).sort());
          const rests = answers.filter(([, { stored }]) => stored?.length === 0);
          const due = rests.map(([name, { hasWork }]) => ({
            id: name,
            at: AT + (hasWork ? WORK_LIFETIME_MS : ANSWER_LIFETIME_MS),
          }));
          const sorted = (list: readonly { readonly id: string }[]): unknown =>
            [...list].sort((one, other) => (one.id < other.id ? -1 : 1));
          const shelved = rows.shelved(10);
          // Work that was forgotten while something was left to do is looked for once more: that costs a look.
          const expected = due.map((one) => {
            const was = shelved.find(({ id: name }) => name === one.id);
            return was?.at === AT + WORK_LIFETIME_MS ? { ...one, at: was.at } : one;
          });
          expect(sorted(shelved)).toEqual(sorted(expected));
          for (const [name, { stored }] of answers)
            expect(
              new AnswerRepository(new AnswerRows(store), name, () => "evt").ended()?.tasks ?? null,
            ).toEqual(stored);
        }
      }),
      { numRuns: 200, seed: 10 },
    );
  });
});

describe("an answer's id", () => {
  test("has 21 digits, and says in which of its account's sixteen objects it lies", () => {
    const ids = Array.from({ length: 2_000 }, newAnswerId);
    expect(ids.every((id) => /^ans_[0-9A-Za-z]{21}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(2_000);
    expect(new Set(ids.map((id) => objectNameOf("acc_1", id))).size).toBe(16);
    const [id = ""] = ids;
    expect(objectNameOf("acc_1", id)).not.toBe(objectNameOf("acc_2", id));
  });

  test.each(["ans_0Kb3nV7cQ2xY9mTgA4hZw", "ans_1ylXeqPHPMmhKHCvtcgVj", "ans_running", "img_1", ""])(
    "that a version before made (%s) names an object of its own",
    (id) => {
      expect(objectNameOf("acc_1", id)).toBe(id);
    },
  );

  test("that a client made up names no object of another account", () => {
    const theirs = objectNameOf("acc_2", newAnswerId());
    expect(objectNameOf("acc_1", theirs)).not.toBe(theirs);
  });
});

describe("attempts to make an answer that stood in line", () => {
  const inLine = (store: ReturnType<typeof nodeStore>): AnswerRepository =>
    new AnswerRepository(new AnswerRows(store), "ans_2a", () => "evt");

  test("are kept with its order, and counted by the next instance", () => {
    const store = nodeStore(new DatabaseSync(":memory:"));
    const repository = inLine(store);
    repository.take({ ...order("ans_2a"), hasPlace: false });
    expect([repository.isNew, repository.attempt()]).toEqual([true, 1]);
    // Nothing is written before the function is asked.
    expect(inLine(store).terms()).toBeNull();
    repository.keepOrder();
    expect([repository.isNew, inLine(store).attempt()]).toEqual([false, 2]);
  });

  test("are counted on where the first is not kept yet, and taken back where no function took it", () => {
    const store = nodeStore(new DatabaseSync(":memory:"));
    const repository = inLine(store);
    repository.take({ ...order("ans_2a"), hasPlace: false });
    repository.attempt();
    repository.takeBack();
    expect([repository.attempt(), repository.attempt(), inLine(store).attempt()]).toEqual([
      1, 2, 3,
    ]);
  });
});
