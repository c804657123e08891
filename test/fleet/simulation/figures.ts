import type { Question, World } from "./world.ts";

/** An answer that has come to its end. */
export interface Made {
  readonly question: Question;
  readonly how: "done" | "failed";
  readonly calls: number;
  readonly startedAt: number | null;
  readonly endedAt: number;
}

export interface Figures {
  readonly answers: number;
  /** From the question to the last time that a function began with it. */
  readonly medianWaitMs: number;
  readonly slowWaitMs: number;
  /** From the question to the end of its answer, a mean. */
  readonly meanMs: number;
  /** Part of the machines' time, up to the last question, in which they did steps of answers that were not lost. */
  readonly utilisation: number;
  /** Refusals by full machines and by such that were not there, for each answer. */
  readonly refusals: number;
  readonly failed: number;
  /** The longest mean wait of an account over the mean of all: 1 is even. */
  readonly starvation: number;
  /** Calls of functions, heartbeats and snapshots, for each answer. */
  readonly messages: number;
  /** Microseconds of processor time a pick. */
  readonly pickMicros: number;
}

interface Seen {
  readonly made: readonly Made[];
  readonly usefulSteps: number;
  readonly messages: number;
  readonly cost: { readonly picks: number; readonly ms: number };
}

export function figuresOf(world: World, { made, usefulSteps, messages, cost }: Seen): Figures {
  const done = made.filter(({ how }) => how === "done");
  const waitOf = ({ startedAt, question }: Made): number => (startedAt ?? 0) - question.at;
  const waits = done.map(waitOf).sort((one, other) => one - other);
  const at = (part: number): number => waits[Math.floor(waits.length * part)] ?? Number.NaN;
  const stepsPerMs = world.machines.reduce((sum, { msPerStep }) => sum + 1 / msPerStep, 0);
  const calls = made.reduce((sum, { calls: count }) => sum + count, 0);
  const answers = world.questions.length;
  return {
    answers,
    medianWaitMs: at(0.5),
    slowWaitMs: at(0.99),
    meanMs: mean(done.map(({ endedAt, question }) => endedAt - question.at)),
    utilisation: usefulSteps / (stepsPerMs * world.endsAt),
    refusals: (calls - done.length) / answers,
    failed: answers - done.length,
    starvation: starvationOf(done, waitOf),
    messages: (calls + messages) / answers,
    pickMicros: (cost.ms * 1000) / Math.max(1, cost.picks),
  };
}

function starvationOf(done: readonly Made[], waitOf: (made: Made) => number): number {
  const byAccount = Map.groupBy(done, ({ question }) => question.account);
  const means = [...byAccount.values()].map((made) => mean(made.map(waitOf)));
  return Math.max(...means) / mean(done.map(waitOf));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
