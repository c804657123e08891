import { readFile } from "node:fs/promises";
import path from "node:path";
import { CHOICE_SUFFIX } from "#cli/eval/files/read-question.ts";
import type { TestQuestion } from "#cli/eval/files/test-question.ts";
import { openTestSet } from "#cli/eval/files/test-set.ts";
import { score } from "#cli/eval/scoring/metrics.ts";
import { fitToAbilities } from "#domain/abilities.ts";
import type { AnswerCompleted, AnswerFrame } from "#domain/event.ts";
import { type ModeTerms, modeTerms } from "#domain/modes.ts";
import { usualBlock } from "#domain/question.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { fileStore } from "#inference/file-store.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";
import { answer } from "#model/answer.ts";
import type { PicturedQuestion } from "#model/prepare.ts";

/** A way of decoding that is compared with `exact`. */
export interface Way extends ModeTerms {
  readonly name: string;
  /** Every second refresh goes half-way down. */
  readonly isHalved?: boolean;
}

/** What the demo set came to in one way of decoding. */
export interface WayFigures {
  readonly name: string;
  /** Mean score, 0 … 1: of all, and of the answers that list or count, where writing much at once breaks first. */
  readonly score: number;
  readonly listScore: number;
  /** Share of answers that are those of `exact`, and of its tokens that stand where it has them; then of those that list or count. */
  readonly sameAnswers: number;
  readonly sameTokens: number;
  readonly sameLists: number;
  /** Of an answer, on average. */
  readonly passes: number;
  readonly refreshes: number;
  readonly rows: number;
  readonly milliseconds: number;
}

/** What one answer wrote at each of its steps: so many positions, for a reason, over a prompt computed anew or not. */
export interface CommitTrace {
  readonly id: string;
  readonly steps: readonly Pick<TracedStep, "commits" | "reason" | "refreshed">[];
}

interface TracedStep {
  readonly commits: number;
  readonly reason: AnswerFrame["reason"];
  readonly refreshed: boolean;
}

interface Answered {
  readonly question: TestQuestion;
  readonly score: number;
  readonly text: string;
  readonly tokens: ReadonlyMap<number, number>;
  readonly usage: AnswerCompleted["usage"];
  readonly trace: readonly TracedStep[];
  readonly milliseconds: number;
}

export const EXACT: Way = { name: "exact", ...modeTerms("exact", 1) };

/** In the order of the table. */
export const WAYS: readonly Way[] = [
  EXACT,
  ...[2, 4, 8, 16].map((refresh) => ({
    name: `cached, R = ${refresh}`,
    ...modeTerms("cached", refresh),
  })),
  { name: "cached, R = 4, half depth", ...modeTerms("cached", 4), isHalved: true },
  { name: "fast", ...modeTerms("fast", 1) },
];

/** Families of the demo set whose answers list or count. */
const LISTS: ReadonlySet<string> = new Set(["count", "countkind", "describe", "relation"]);

/** Answers the demo set in every way, at so many steps of a canvas of 32. */
export async function measureModes(
  ways: readonly Way[],
  steps: number,
  say: (words: string) => void,
): Promise<{ readonly figures: readonly WayFigures[]; readonly traces: readonly CommitTrace[] }> {
  const file = path.resolve("test/fixtures/demo-eval/questions.jsonl");
  await using testSet = await openTestSet(file, {
    places: { folder: path.dirname(file), kept: undefined },
    map: {},
    metric: "exact",
    suffix: "",
    choiceSuffix: CHOICE_SUFFIX,
    families: [],
    limit: Number.POSITIVE_INFINITY,
    skipsFaulty: false,
    signal: new AbortController().signal,
  });
  const questions = await Array.fromAsync(testSet.questions());
  const store = fileStore(path.resolve("infra/demo-model/bundle"));
  const host = createModelHost({
    model: "unmask-demo",
    provider: "cpu",
    threads: 1,
    resize: (await loadKernels()).resize,
    log: () => undefined,
    open: (signal) => openModel({ store, model: "unmask-demo", signal }),
  });
  try {
    const model = await host.described(new AbortController().signal);
    const found = new Map<string, readonly Answered[]>();
    for (const way of ways) {
      say(`${way.name}, ${steps} steps`);
      const answered: Answered[] = [];
      for (const question of questions) answered.push(await ask(question, way, steps, model));
      found.set(way.name, answered);
    }
    const reference = found.get(EXACT.name) ?? [];
    const last = found.get(ways.at(-1)?.name ?? "") ?? [];
    return {
      figures: [...found].map(([name, answered]) => figuresOf(name, answered, reference)),
      traces: last.map(({ question, trace }) => ({ id: question.id, steps: trace })),
    };
  } finally {
    await host.dispose();
  }
}

async function ask(
  question: TestQuestion,
  { name: _, isHalved = false, ...terms }: Way,
  steps: number,
  { tools, card, abilities }: DescribedModel,
): Promise<Answered> {
  const files = await Promise.all(
    question.pictures.map((picture) =>
      picture.kind === "file" ? readFile(picture.path) : picture.bytes,
    ),
  );
  const decoded = await decodeImages(files);
  if (!decoded.ok) throw new Error(`${question.id} has a picture that is ${decoded.refusal.kind}`);
  const canvas = question.canvas ?? 32;
  const taken = Math.min(steps, canvas);
  const said = question.messages.map(({ role, content }) => ({ role, text: content }));
  const fitted = fitToAbilities({ messages: said, pictures: files.length, canvas }, abilities);
  const asked: PicturedQuestion = {
    messages: fitted.messages,
    pictures: decoded.value,
    options: {
      ...{ detail: "auto", canvas, steps: taken, temperature: 0, seed: 0, stop: [] },
      blockLength: usualBlock(canvas, taken, card.block_length),
      ...terms,
    },
  };
  const startedMs = performance.now();
  const events = await Array.fromAsync(
    answer(asked, { ...tools, halvesRefreshes: isHalved }, new AbortController().signal),
  );
  const milliseconds = performance.now() - startedMs;
  const trace = events.flatMap((event) => (event.kind === "answer.frame" ? [traced(event)] : []));
  const end = events.at(-1);
  const isWhole = end?.kind === "answer.completed";
  const text = isWhole ? end.answer : "";
  return {
    question,
    score: score(question.metric, text, question.expected, question.choices),
    text,
    tokens: new Map(isWhole ? end.tokens.map(({ position, token }) => [position, token]) : []),
    usage: isWhole
      ? end.usage
      : { ...{ imageVectors: 0, promptLength: 0, canvas, steps: trace.length }, ...sums(events) },
    trace,
    milliseconds,
  };
}

function traced({ revealed, reason, refreshed = true }: AnswerFrame): TracedStep {
  return { commits: revealed.length, reason, refreshed };
}

/** What an empty answer took, whose end does not tell. */
function sums(events: readonly { readonly kind: string }[]) {
  const frames = events.filter((event): event is AnswerFrame => event.kind === "answer.frame");
  return {
    forwardPasses: frames.length,
    refreshes: frames.filter(({ refreshed }) => refreshed).length,
    rows: frames.reduce((sum, { rows = 0 }) => sum + rows, 0),
  };
}

function figuresOf(
  name: string,
  answered: readonly Answered[],
  reference: readonly Answered[],
): WayFigures {
  const lists = (all: readonly Answered[]) =>
    all.filter(({ question }) => LISTS.has(question.family));
  return {
    name,
    score: mean(answered, (one) => one.score),
    listScore: mean(lists(answered), (one) => one.score),
    sameAnswers: agreement(answered, reference),
    sameTokens: tokenAgreement(answered, reference),
    sameLists: agreement(lists(answered), lists(reference)),
    passes: mean(answered, ({ usage }) => usage.forwardPasses),
    refreshes: mean(answered, ({ usage }) => usage.refreshes),
    rows: mean(answered, ({ usage }) => usage.rows),
    milliseconds: mean(answered, (one) => one.milliseconds),
  };
}

function agreement(answered: readonly Answered[], reference: readonly Answered[]): number {
  const texts = new Map(reference.map(({ question, text }) => [question.id, text]));
  return mean(answered, ({ question, text }) => (texts.get(question.id) === text ? 1 : 0));
}

function tokenAgreement(answered: readonly Answered[], reference: readonly Answered[]): number {
  const found = new Map(answered.map(({ question, tokens }) => [question.id, tokens]));
  const pairs = reference.flatMap(({ question, tokens }) =>
    [...tokens].map(([position, token]) => found.get(question.id)?.get(position) === token),
  );
  return pairs.filter((isSame) => isSame).length / pairs.length;
}

function mean(all: readonly Answered[], of: (one: Answered) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0) / all.length;
}
