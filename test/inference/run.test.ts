import { describe, expect, test } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import type { Question } from "#domain/question.ts";
import type { Claim } from "#engine/turn-order.ts";
import { type Admission, createAdmission } from "#inference/admission.ts";
import { createPace } from "#inference/fleet/pace.ts";
import type { LogValue } from "#inference/log.ts";
import { createMetrics } from "#inference/metrics.ts";
import { type RunParts, run, type Work } from "#inference/run.ts";
import type { Engine } from "#model/engine.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { numerics, options, untold, untoldByFunction } from "../support/edge-builders.ts";
import { fakeArchitecture, fakeEngine, fakeSpecial, oneHot } from "../support/fake-engine.ts";
import { fakeTemplate, fakeTokenizer } from "../support/fake-tokenizer.ts";

const forever = new AbortController().signal;
const digest = "d".repeat(64);
const question: Question = {
  messages: [{ role: "user", text: "Is the zebra asleep?" }],
  images: [],
  options: options({ canvas: 4, steps: 4, blockLength: 4 }),
};
const work: Work = {
  jobId: "ans_1",
  account: "acc_1",
  owner: null,
  question,
  pictures: null,
  digest,
  deadline: forever,
  alternatives: 0,
};

/** Writes "A" everywhere. */
const letter = fakeEngine(() => oneHot(fakeArchitecture.logitsColumns, 16 + 65, 9));

/** The parts of a run with an engine, and everything that it logs. */
function parts(engine: Engine = letter): RunParts & {
  readonly lines: string[];
  readonly condemned: string[];
  /** Whether answers ran out of memory, one after another. */
  readonly memory: boolean[];
  /** What was left at each pass. */
  readonly claims: Claim[];
} {
  const lines: string[] = [];
  const condemned: string[] = [];
  const memory: boolean[] = [];
  const claims: Claim[] = [];
  const tools = {
    engine,
    tokenizer: fakeTokenizer,
    renderTemplate: fakeTemplate,
    resize: resizeBicubic,
  };
  const card = {
    id: "fake",
    digest,
    image: null,
    max_prompt_length: 200,
    ...untoldByFunction,
    provider: "fake",
    format: "f32",
  };
  return {
    lines,
    ...{ condemned, memory },
    claims,
    host: {
      health: () => ({ status: "ok" }),
      takesWork: () => true,
      forget: () => undefined,
      condemn: (reason) => void condemned.push(reason),
      noteMemory: (hasRunOut) => void memory.push(hasRunOut),
      isLoaded: () => true,
      replacement: new Promise(() => undefined),
      described: async () => ({
        ...{ card, abilities: untold.abilities, numerics, tools },
        forget: () => undefined,
        toolsOf: (claim) => ({ ...tools, engine: claiming(engine, claim, claims) }),
      }),
      status: () => {
        throw new Error("a run does not ask for the status");
      },
      dispose: async () => undefined,
    },
    admission: { load: () => ({ running: 1, waiting: 0 }) },
    metrics: createMetrics(),
    pace: createPace(() => 0),
    now: () => 0,
    log: (event: string, fields: Readonly<Record<string, LogValue>> = {}) =>
      void lines.push(JSON.stringify({ event, ...fields })),
  };
}

/** An engine that notes for each pass on whose behalf it is. */
function claiming(engine: Engine, claim: () => Claim, claims: Claim[]): Engine {
  return {
    ...engine,
    denoise(pass, signal) {
      claims.push(claim());
      return engine.denoise(pass, signal);
    },
  };
}

function placeIn(admission: Admission) {
  const place = admission.enter(forever);
  if (!place.ok) throw new Error("the queue is full");
  return place.value;
}

function events(made: RunParts, asked: Work, admission = createAdmission(1, 4, () => 0)) {
  return Array.fromAsync(run(asked, placeIn(admission), made, forever));
}

/** An engine whose pass number `last` + 1 never ends; `stuck` resolves once it is asked for. */
function stuckAfter(last: number, engine: Engine = letter) {
  const stuck = Promise.withResolvers<void>();
  let passes = 0;
  const slow: Engine = {
    ...engine,
    denoise: (pass, signal) => {
      passes += 1;
      if (passes <= last) return engine.denoise(pass, signal);
      stuck.resolve();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
  };
  return { engine: slow, stuck: stuck.promise };
}

/** Runs until the engine hangs after `steps` steps, then lets the deadline pass. */
async function partialAfter(steps: number): Promise<AnswerEvent | undefined> {
  const { engine, stuck } = stuckAfter(steps);
  const deadline = new AbortController();
  const told = events(parts(engine), { ...work, deadline: deadline.signal });
  await stuck;
  deadline.abort();
  return (await told).at(-1);
}

describe("a run", () => {
  test("its passes wait on behalf of its account, by the rows that are left of it", async () => {
    const made = parts();
    await events(made, work);
    const [started] = await events(parts(), work);
    if (started?.kind !== "answer.started") throw new Error("the answer has no start");
    const rows = started.promptLength + started.canvas;
    expect(made.claims).toEqual(
      [4, 3, 2, 1].map((steps) => ({ account: "acc_1", remaining: steps * rows })),
    );
  });

  test("ends with the answer and the digest that fixes it", async () => {
    const told = await events(parts(), work);
    expect(told.at(-1)).toMatchObject({
      kind: "answer.completed",
      answer: "AAAA",
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await events(parts(), work)).toEqual(told);
  });

  test("leaves its place however it ends", async () => {
    const admission = createAdmission(1, 4, () => 0);
    const broken = { ...letter, denoise: () => Promise.reject(new Error("lost")) };
    for (const engine of [letter, broken]) {
      await events(parts(engine), work, admission);
      expect(admission.load()).toEqual({ running: 0, waiting: 0 });
    }
  });

  test("fails rather than to tell tokens that the network gave no probability", async () => {
    const odd = fakeEngine(() => new Float32Array(fakeArchitecture.logitsColumns).fill(Number.NaN));
    const made = parts(odd);
    const told = await events(made, work);
    expect(told.map(({ kind }) => kind)).toEqual(["answer.started", "answer.failed"]);
    expect(told.at(-1)).toEqual({ kind: "answer.failed", failure: { kind: "logits_not_finite" } });
    expect(made.lines.join("\n")).toContain("no probability");
    expect(made.condemned).toEqual(["logits_not_finite"]);
  });

  test.each([
    ["CUDA failure 2: out of memory", 2, "device_out_of_memory", [], [true]],
    ["CUDA failure 2: out of memory", 1, "device_too_small", [], [true]],
    ["WebGPU device lost (1): gone", 2, "device_lost", ["device_lost"], []],
  ] as const)(
    "whose runtime says %s while %i are made fails with %s",
    async (text, running, kind, condemned, memory) => {
      const failing: Engine = {
        ...letter,
        denoise: () => {
          throw new Error("stage layer-00 failed to run", { cause: new Error(text) });
        },
      };
      const made = { ...parts(failing), admission: { load: () => ({ running, waiting: 0 }) } };
      const told = await events(made, work);
      expect(told.at(-1)).toEqual({ kind: "answer.failed", failure: { kind } });
      expect([made.condemned, made.memory]).toEqual([condemned, memory]);
    },
  );

  test("that is whole says that there was memory for it", async () => {
    const made = parts();
    await events(made, work);
    expect(made.memory).toEqual([false]);
  });

  test("in which the model wrote nothing fails, and says which canvas the model is recommended for", async () => {
    const { endOfTurn } = fakeSpecial;
    const mute = fakeEngine(() => oneHot(fakeArchitecture.logitsColumns, endOfTurn, 9));
    const made = parts(mute);
    const { recommended } = untold.abilities.canvas;
    expect((await events(made, work)).at(-1)).toEqual({
      kind: "answer.failed",
      failure: { kind: "empty_answer", canvas: 4, recommended },
    });
    expect(made.lines.join("\n")).toContain('"outcome":"empty_answer"');
  });

  test("that dies at a step tells the steps before it, then that it failed", async () => {
    for (const steps of [0, 1, 3]) {
      let passes = 0;
      const dying: Engine = {
        ...letter,
        denoise: (pass, signal) => {
          passes += 1;
          if (passes > steps) throw new Error("the device is lost");
          return letter.denoise(pass, signal);
        },
      };
      const kinds = (await events(parts(dying), work)).map(({ kind }) => kind);
      const frames = new Array<string>(steps).fill("answer.frame");
      expect(kinds).toEqual(["answer.started", ...frames, "answer.failed"]);
    }
  });

  test("logs what it took, and no word of the question or the answer", async () => {
    const made = parts();
    await events(made, work);
    const log = made.lines.join("\n");
    expect(log).toContain('"outcome":"completed"');
    expect(log).not.toMatch(/zebra|asleep|AAAA/);
  });
});

describe("at its deadline a run tells a partial answer", () => {
  test.each([1, 2, 3])(
    "of %d steps: what is written and the best guess for the rest",
    async (n) => {
      const partial = await partialAfter(n);
      expect(partial).toMatchObject({
        kind: "answer.partial",
        answer: "AAAA",
        usage: { canvas: 4, steps: n, forwardPasses: n },
      });
      if (partial?.kind !== "answer.partial") return;
      expect(partial.tokens.map(({ position }) => position)).toEqual([0, 1, 2, 3]);
      expect(partial.confidence).toBeGreaterThan(0);
    },
  );

  test("that is empty before the first pass has ended", async () => {
    expect(await partialAfter(0)).toMatchObject({
      kind: "answer.partial",
      answer: "",
      confidence: 0,
      tokens: [],
      usage: { steps: 0, forwardPasses: 0 },
    });
  });

  test("that ends where the guesses end the turn, whatever they say behind it", async () => {
    const word = [16 + 65, fakeSpecial.endOfTurn, 16 + 66, 16 + 66];
    const ending = fakeEngine((sequence, position) => {
      const at = position - sequence.lastIndexOf(fakeSpecial.endHeader) - 3;
      return oneHot(fakeArchitecture.logitsColumns, word[at] ?? fakeSpecial.endOfTurn, 20 - at);
    });
    const { engine, stuck } = stuckAfter(1, ending);
    const deadline = new AbortController();
    const told = events(parts(engine), { ...work, deadline: deadline.signal });
    await stuck;
    deadline.abort();
    expect((await told).at(-1)).toMatchObject({ kind: "answer.partial", answer: "A" });
  });

  test("that is empty while it stands in the queue, whose place it gives up", async () => {
    const admission = createAdmission(1, 4, () => 0);
    const ahead = placeIn(admission);
    const deadline = new AbortController();
    const made = parts();
    const late = { ...work, deadline: deadline.signal };
    const told = run(late, placeIn(admission), made, forever);
    const first = told.next();
    deadline.abort();
    const usage = {
      ...{ imageVectors: 0, promptLength: 0, canvas: 4 },
      ...{ steps: 0, forwardPasses: 0, refreshes: 0, rows: 0 },
    };
    const nothing = { answer: "", confidence: 0, tokens: [] };
    expect((await first).value).toEqual({ kind: "answer.partial", ...nothing, usage });
    expect(admission.load()).toEqual({ running: 1, waiting: 0 });
    expect(await told.next()).toEqual({ done: true, value: undefined });
    expect(made.lines.join("\n")).toContain('"outcome":"partial"');
    ahead.leave();
  });

  test("that is empty where it had passed before the run began, and nothing is left to reject", async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown): void => void unheard.push(reason);
    process.on("unhandledRejection", hear);
    try {
      const admission = createAdmission(1, 4, () => 0);
      placeIn(admission);
      const told = await events(parts(), { ...work, deadline: AbortSignal.abort() }, admission);
      expect(told).toMatchObject([{ kind: "answer.partial", answer: "" }]);
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(unheard).toEqual([]);
    } finally {
      process.off("unhandledRejection", hear);
    }
  });
});
