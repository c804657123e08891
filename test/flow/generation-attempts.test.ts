import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent, AnswerFrame } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type Generation,
  type GenerationEvent,
  generateAnswer,
  Interruption,
  MAX_ATTEMPTS,
} from "#edge/answers/making/generation-attempts.ts";
import { Patience } from "#edge/answers/making/patience.ts";
import type { Dispatched } from "#edge/fleet/dispatch.ts";
import { failures, options, story } from "../support/edge-builders.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_790_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const DIGEST = "ab".repeat(32);
const died: AnswerEvent = { kind: "answer.failed", failure: failures.function_reply_invalid };

/** What a function does with the work: refuses it, or tells events, with its weights. */
type Behaviour = Failure | readonly AnswerEvent[];

interface Attempted {
  readonly told: readonly GenerationEvent[];
  /** Milliseconds waited between the attempts. */
  readonly waits: readonly number[];
  /** Attempts that count as kept when it is over. */
  readonly counted: number;
  readonly dispatches: number;
}

const frame = (step: number): AnswerFrame => {
  const event = story.find((told) => told.kind === "answer.frame" && told.step === step);
  if (event?.kind !== "answer.frame") throw new Error(`the story has no step ${step}`);
  return event;
};

/** The story as a later attempt begins it: the one before may have been told, by an instance that died. */
function storyAfter(attempts: number): AnswerEvent[] {
  return story.map((event) =>
    event.kind === "answer.started" ? { ...event, restarts: attempts } : event,
  );
}

/** Has functions work on an answer one after the other, the last of them for ever. */
async function generate(
  functions: readonly [Behaviour, ...Behaviour[]],
  terms: {
    readonly isAccepted?: boolean;
    /** Attempts of instances that died before. */
    readonly earlier?: number;
    readonly progress?: Generation["progress"];
    readonly digestOf?: (dispatch: number) => string;
    readonly overrides?: Partial<Generation>;
  } = {},
): Promise<Attempted> {
  const waits: number[] = [];
  let [counted, dispatches] = [terms.earlier ?? 0, 0];
  const patience = new Patience(
    { isAccepted: terms.isAccepted ?? false, createdAt: Date.now() },
    Date.now,
  );
  const generation: Generation = {
    turn: async () => undefined,
    dispatch: async (): Promise<Result<Dispatched, Failure>> => {
      const behaviour = functions[dispatches] ?? functions.at(-1) ?? functions[0];
      dispatches += 1;
      if ("kind" in behaviour) return refuse(behaviour);
      const modelDigest = terms.digestOf?.(dispatches) ?? DIGEST;
      return ok({ modelDigest, events: eventsOf(behaviour) });
    },
    attempt: () => {
      counted += 1;
      return counted;
    },
    takeBack: () => {
      counted -= 1;
    },
    patience: (failure, attempt) => patience.after(failure, attempt),
    progress: terms.progress ?? { modelDigest: null, started: null, frames: [] },
    onTaken: () => patience.taken(),
    onWeights: () => undefined,
    signal: new AbortController().signal,
    pause: async (milliseconds) => {
      waits.push(milliseconds);
      vi.setSystemTime(Date.now() + milliseconds);
    },
    question: { options: options() },
    ...terms.overrides,
  };
  const told: GenerationEvent[] = [];
  for await (const event of generateAnswer(generation)) told.push(event);
  return { told, waits, counted, dispatches };
}

async function* eventsOf(events: readonly AnswerEvent[]): Dispatched["events"] {
  yield* events;
}

describe("a function that dies under an answer", () => {
  test("is replaced twice, after 200 and 800 ms, and nothing is told twice", async () => {
    const begun = story.slice(0, 2);
    const { told, waits } = await generate([[...begun, died], [...begun, died], story]);
    expect(told).toEqual(story);
    expect(waits).toEqual([200, 800]);
  });

  test("had taken the work: whoever waits for a function hears of its weights each time", async () => {
    const [onTaken, onWeights] = [vi.fn(), vi.fn()];
    await generate([[died], story], { overrides: { onTaken, onWeights } });
    expect(onTaken).toHaveBeenCalledTimes(2);
    expect(new Set(onWeights.mock.calls.flat())).toEqual(new Set([DIGEST]));
  });

  test("for the third time ends it: the question itself is taken to kill them", async () => {
    const { told, dispatches } = await generate([[died]]);
    expect([told, dispatches]).toEqual([[died], MAX_ATTEMPTS]);
  });

  test("counts over the lives of the object: an answer whose attempts are used up asks no function again", async () => {
    const { told, dispatches } = await generate([story], { earlier: MAX_ATTEMPTS });
    expect(told).toEqual([{ kind: "answer.failed", failure: { kind: "internal" } }]);
    expect(dispatches).toBe(0);
  });

  test("by falling silent is as dead as one that broke off", async () => {
    const silent: AnswerEvent = { kind: "answer.failed", failure: failures.function_timeout };
    expect((await generate([[silent], story])).told).toEqual(storyAfter(1));
  });

  test("by losing its GPU is dead, and says so: another is asked", async () => {
    const lost: AnswerEvent = { kind: "answer.failed", failure: failures.device_lost };
    const { told, dispatches } = await generate([[...story.slice(0, 2), lost], story]);
    expect([told, dispatches]).toEqual([story, 2]);
  });

  test("by being asked to end says so, and that counts as no attempt: the answer has done nothing", async () => {
    const cut: AnswerEvent = { kind: "answer.failed", failure: failures.draining };
    const cuts = [1, 2, 3, 4].map(() => [...story.slice(0, 2), cut]);
    const { told, counted, dispatches } = await generate([
      [...story.slice(0, 2), cut],
      ...cuts,
      story,
    ]);
    expect([told, counted, dispatches]).toEqual([story, 1, 6]);
    // As after any death, who waits for the reply of a plain request waits for another function.
    const later = await generate([[cut], failures.draining, failures.draining, story]);
    expect([later.told.at(-1)?.kind, later.counted]).toEqual(["answer.completed", 1]);
  });

  test("by being asked to end over and over is taken for what it is: nobody goes round for ever", async () => {
    const cut: AnswerEvent = { kind: "answer.failed", failure: failures.draining };
    const { told, dispatches } = await generate([[cut]]);
    expect([told, dispatches]).toEqual([[cut], 8 + MAX_ATTEMPTS]);
  });

  test.each(["device_out_of_memory", "device_too_small"] as const)(
    "lives on after %s: the answer has failed, for nothing",
    async (kind) => {
      const end: AnswerEvent = { kind: "answer.failed", failure: failures[kind] };
      expect(await generate([[end], story])).toMatchObject({ told: [end], dispatches: 1 });
    },
  );

  test("is not one that says itself why the answer has failed", async () => {
    const end: AnswerEvent = { kind: "answer.failed", failure: failures.image_bomb };
    expect(await generate([[end], story])).toMatchObject({ told: [end], dispatches: 1, waits: [] });
  });
});

describe("a refusal of the work", () => {
  test("ends a plain request at once, before any function has taken it", async () => {
    const { told, dispatches } = await generate([failures.draining, story]);
    expect(told).toEqual([{ kind: "answer.failed", failure: failures.draining }]);
    expect(dispatches).toBe(1);
  });

  test("is waited for once a function died under the plain request", async () => {
    const { told, waits } = await generate([[died], failures.draining, story]);
    expect([told, waits]).toEqual([storyAfter(1), [200, 200]]);
  });

  test("is no attempt: no function took the question, so it can have killed none", async () => {
    const absent = Array<Behaviour>(7).fill(failures.draining);
    const { told, counted } = await generate([failures.draining, ...absent, story], {
      isAccepted: true,
    });
    expect([told, counted]).toEqual([story, 1]);
  });

  test("takes nothing back from an answer that asked no function, but took part in the work of another", async () => {
    const takeBack = vi.fn();
    await generate([failures.function_unreachable, story], {
      overrides: { attempt: () => 0, takeBack, patience: () => 0 },
    });
    expect(takeBack).not.toHaveBeenCalled();
  });
});

describe("an answer that goes on where an earlier attempt broke off", () => {
  const [started] = story;
  if (started?.kind !== "answer.started") throw new Error("the story has no beginning");
  const progress = { modelDigest: DIGEST, started, frames: [frame(1)] };

  test("tells what was not told yet", async () => {
    const { told } = await generate([story], { progress });
    expect(told).toEqual(story.slice(2));
  });

  test("fails where a step comes otherwise than it was told by the same arithmetic: that is a fault", async () => {
    const [other, ...rest] = frame(1).revealed;
    if (other === undefined) throw new Error("the step tells nothing");
    const contradiction = { ...frame(1), revealed: [{ ...other, token: 99 }, ...rest] };
    const { told } = await generate([[started, contradiction]], { progress });
    expect(told).toEqual([{ kind: "answer.failed", failure: { kind: "function_reply_invalid" } }]);
  });

  test("begins anew where the weights were changed under it: they are a part of the class", async () => {
    const modelDigest = "cd".repeat(32);
    const { told } = await generate([story], { progress, digestOf: () => modelDigest });
    const restarted = { restarts: 1, previousNumerics: started.numerics, modelDigest };
    expect(told).toEqual([
      { ...started, ...restarted, kind: "answer.restarted" },
      ...story.slice(1),
    ]);
  });

  test("may be made with other weights as long as nothing was told", async () => {
    const digestOf = (dispatch: number) => (dispatch === 1 ? DIGEST : "cd".repeat(32));
    expect((await generate([[died], story], { digestOf })).told).toEqual(storyAfter(1));
  });
});

const other = `webgpu/onnxruntime-node-1.30.0/nvidia-h100/alone/${DIGEST}`;

/** The story as a function of another class, or one that says none, makes it: other tokens from the step on. */
function storyBy(theirs: string | null, differsFrom = 1): AnswerEvent[] {
  return story.map((event): AnswerEvent => {
    if (event.kind === "answer.started") {
      const { numerics: _, ...rest } = event;
      return theirs === null ? rest : { ...rest, numerics: theirs };
    }
    if (event.kind !== "answer.frame" || event.step < differsFrom) return event;
    const revealed = event.revealed.map((token) => ({ ...token, token: token.token + 100 }));
    return { ...event, revealed };
  });
}

function kindsOf(told: readonly GenerationEvent[]): string[] {
  return told.map((event) =>
    event.kind === "answer.frame" ? `${event.step}: ${event.revealed[0]?.token}` : event.kind,
  );
}

describe("an answer whose function died, where none of its class is left", () => {
  const [begun] = story;
  if (begun?.kind !== "answer.started") throw new Error("the story has no beginning");
  const theirs = storyBy(other);

  test("asks for the class that began it", async () => {
    const asked: (string | null)[] = [];
    const dispatch: Generation["dispatch"] = async (_, numerics) => {
      asked.push(numerics);
      const events = asked.length === 1 ? [...story.slice(0, 2), died] : story;
      return ok({ modelDigest: DIGEST, events: eventsOf(events) });
    };
    await generate([story], { overrides: { dispatch } });
    expect(asked).toEqual([null, begun.numerics]);
  });

  test("begins anew once the other making is as far as what was told, and tells it from its first step", async () => {
    const { told } = await generate([[...story.slice(0, 3), died], theirs]);
    const expected = ["answer.started", "1: 11", "2: 12"];
    const anew = ["answer.restarted", "1: 111", "2: 112", "answer.completed"];
    expect(kindsOf(told)).toEqual([...expected, ...anew]);
    expect(told[3]).toMatchObject({ numerics: other, previousNumerics: begun.numerics });
  });

  test("begins anew at once where no step was told", async () => {
    const { told } = await generate([[begun, died], theirs]);
    const anew = ["answer.restarted", "1: 111", "2: 112", "answer.completed"];
    expect(kindsOf(told)).toEqual(["answer.started", ...anew]);
  });

  test("goes on as it was where the other dies before it is as far and the first class is back", async () => {
    const { told } = await generate([
      [...story.slice(0, 3), died],
      [...theirs.slice(0, 2), died],
      story,
    ]);
    expect(told).toEqual(story);
  });

  test("completes with the other making, be it shorter than what was told", async () => {
    const short = [theirs[0], theirs[1], theirs[3]].filter((event) => event !== undefined);
    const { told } = await generate([[...story.slice(0, 3), died], short]);
    const expected = ["answer.started", "1: 11", "2: 12"];
    const anew = ["answer.restarted", "1: 111", "answer.completed"];
    expect(kindsOf(told)).toEqual([...expected, ...anew]);
  });

  test.each([story, theirs])(
    "is told at its deadline as far as it was, not as the function that began again has it",
    async (...again) => {
      const partial: AnswerEvent = {
        kind: "answer.partial",
        ...{ answer: "A guess", confidence: 0.1, tokens: [] },
        usage: {
          ...{ imageVectors: 730, promptLength: 760, canvas: 4, steps: 1, forwardPasses: 1 },
          ...{ refreshes: 1, rows: 764 },
        },
      };
      const { told } = await generate([
        [...story.slice(0, 3), died],
        [...again.slice(0, 2), partial],
      ]);
      expect(told.slice(0, 3)).toEqual(story.slice(0, 3));
      expect(told.slice(3)).toMatchObject([
        { kind: "answer.partial", answer: "A red square.", usage: { steps: 2 } },
      ]);
    },
  );

  test("counts its restarts over the lives of its object", async () => {
    const { kind: _, ...rest } = begun;
    const restarted = {
      ...({ ...rest, kind: "answer.restarted", restarts: 1, previousNumerics: other } as const),
      modelDigest: DIGEST,
    };
    const progress = { modelDigest: DIGEST, started: restarted, frames: [frame(1)] };
    const { told } = await generate([theirs], { progress });
    expect(told[0]).toMatchObject({ kind: "answer.restarted", restarts: 2, numerics: other });
  });
});

describe("a function of before, which does not say its arithmetic", () => {
  const untold = storyBy(null);
  const [first] = untold;
  if (first?.kind !== "answer.started") throw new Error("the story has no beginning");
  const progress = { modelDigest: DIGEST, started: first, frames: [] as AnswerFrame[] };

  test("goes on where another of them tells the same", async () => {
    const { told } = await generate([[...untold.slice(0, 2), died], untold]);
    expect(told).toEqual(untold);
  });

  test("begins anew, and is no fault, where another of them tells otherwise", async () => {
    const otherwise = storyBy(null).map((event) =>
      event.kind === "answer.frame" && event.step === 2
        ? { ...event, revealed: frame(2).revealed }
        : event,
    );
    const { told } = await generate([[...untold.slice(0, 3), died], otherwise]);
    const anew = ["answer.restarted", "1: 111", "2: 12", "answer.completed"];
    expect(kindsOf(told)).toEqual(["answer.started", "1: 111", "2: 112", ...anew]);
  });

  test("is followed anew by one that says its own", async () => {
    const { told } = await generate([story], { progress });
    expect(told[0]).toMatchObject({ kind: "answer.restarted", previousNumerics: null });
  });
});

describe("an answer that is interrupted", () => {
  test.each(["partial", "cancelled"] as const)(
    "is %s as it stands, with the steps that ran; what comes after is not told",
    async (status) => {
      const controller = new AbortController();
      async function* untilStep1(): Dispatched["events"] {
        yield* eventsOf(story.slice(0, 2));
        controller.abort(new Interruption(status));
        yield* eventsOf(story.slice(2));
      }
      const { told } = await generate([story], {
        overrides: {
          signal: controller.signal,
          dispatch: async () => ok({ modelDigest: DIGEST, events: untilStep1() }),
        },
      });
      expect(told.slice(0, -1)).toEqual(story.slice(0, 2));
      expect(told.at(-1)).toMatchObject({
        kind: `answer.${status}`,
        answer: "A red",
        usage: { imageVectors: 730, promptLength: 760, canvas: 4, steps: 1, forwardPasses: 1 },
      });
    },
  );

  test("is judged as it stands by what its function told with its start and its first frame", async () => {
    const controller = new AbortController();
    const trust = { abstention: { sentences: ["A red"], below: 0.5 } };
    const judgedBy = async (domainScore: number) => {
      async function* untilStep1(): Dispatched["events"] {
        const [started, first] = story;
        if (started?.kind !== "answer.started" || first?.kind !== "answer.frame")
          throw new Error("the story begins otherwise");
        yield* [
          { ...started, trust },
          { ...first, domainScore },
        ];
        controller.abort(new Interruption("partial"));
        yield* eventsOf(story.slice(2));
      }
      const { told } = await generate([story], {
        overrides: {
          signal: controller.signal,
          dispatch: async () => ok({ modelDigest: DIGEST, events: untilStep1() }),
        },
      });
      return told.at(-1);
    };
    const end = { kind: "answer.partial", answer: "A red", confidence: 0 };
    expect(await judgedBy(0.5)).toMatchObject({ ...end, domainScore: 0.5, abstention: "unsure" });
  });

  test("before a function was asked is told with no step and no token", async () => {
    const controller = new AbortController();
    controller.abort(new Interruption("partial"));
    const { told, counted } = await generate([story], {
      overrides: { signal: controller.signal },
    });
    expect(told).toMatchObject([
      { kind: "answer.partial", answer: "", tokens: [], usage: { steps: 0, canvas: 4 } },
    ]);
    expect(counted).toBe(0);
  });

  test("by anything but an interruption has met a fault, which is thrown", async () => {
    const fault = new Error("the storage is gone");
    const broken = generate([story], {
      overrides: {
        turn: async () => {
          throw fault;
        },
      },
    });
    await expect(broken).rejects.toBe(fault);
  });
});
