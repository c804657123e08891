import { describe, expect, test } from "vitest";
import { defaultDecoding } from "#domain/architecture.ts";
import { modeTerms } from "#domain/modes.ts";
import type { AnswerOptions, Usage } from "#domain/question.ts";
import type { Picture } from "#domain/tensor.ts";
import type { Trust } from "#domain/trust.ts";
import { answer, type ModelEvent } from "#model/answer.ts";
import type { Engine } from "#model/engine.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import type { PicturedQuestion } from "#model/prepare.ts";
import type { KeptFeatures, PictureFeatures } from "#model/vision/kept-features.ts";
import { fakeArchitecture, fakeEngine, fakeSpecial, oneHot } from "../support/fake-engine.ts";
import { fakeTemplate, fakeTokenizer } from "../support/fake-tokenizer.ts";

const options: AnswerOptions = {
  detail: "auto",
  canvas: 8,
  steps: 8,
  blockLength: 8,
  ...modeTerms("exact", 1),
  temperature: 0,
  seed: 0,
  stop: [],
};

/** An engine that writes `text` on the canvas and ends the turn, the left surer than the right. */
function writing(text: string, architecture = fakeArchitecture) {
  const ids = [...fakeTokenizer.encode(text), fakeSpecial.endOfTurn];
  return fakeEngine((sequence, position) => {
    const start = sequence.lastIndexOf(fakeSpecial.endHeader) + 3; // Two line breaks end the header.
    const token = ids[position - start] ?? fakeSpecial.endOfTurn;
    return oneHot(architecture.logitsColumns, token, 20 - (position - start));
  }, architecture);
}

function asking(overrides: Partial<PicturedQuestion> = {}): PicturedQuestion {
  return { messages: [{ role: "user", text: "what?" }], pictures: [], options, ...overrides };
}

function picture(width: number, height: number): Picture {
  return { width, height, pixelsHWC: new Uint8Array(width * height * 3) };
}

function events(question: PicturedQuestion, engine: Engine, trust?: Trust): Promise<ModelEvent[]> {
  const tools = {
    ...{ engine, ...(trust === undefined ? {} : { trust }) },
    tokenizer: fakeTokenizer,
    renderTemplate: fakeTemplate,
    resize: resizeBicubic,
  };
  return Array.fromAsync(answer(question, tools, new AbortController().signal));
}

function withoutAlternatives(told: readonly ModelEvent[]): ModelEvent[] {
  return told.map((event) => {
    if (event.kind !== "answer.frame") return event;
    return { ...event, revealed: event.revealed.map(({ alternatives: _, ...token }) => token) };
  });
}

describe("answer", () => {
  test("starts, gives a frame per step, and completes with the text before the end of the turn", async () => {
    const [started, ...rest] = await events(asking(), writing("a cat"));
    const completed = rest.pop();
    expect(started).toEqual({
      kind: "answer.started",
      imageVectors: 0,
      promptLength: fakeTokenizer.encode(fakeTemplate([{ role: "user", text: "what?" }])).length,
      canvas: 8,
      steps: 8,
    });
    expect(rest.map(({ kind }) => kind)).toEqual(Array(6).fill("answer.frame"));
    expect(rest[0]).toMatchObject({
      step: 1,
      revealed: [{ position: 0, text: "a", step: 1 }],
      stableUntil: 1,
    });
    expect(completed).toMatchObject({
      kind: "answer.completed",
      answer: "a cat",
      usage: { imageVectors: 0, canvas: 8, steps: 6, forwardPasses: 6 },
    });
  });

  test("the tokens of a completed answer are those before the stop, and their texts are the answer", async () => {
    const completed = (await events(asking(), writing("né"))).at(-1);
    if (completed?.kind !== "answer.completed") throw new Error(`unexpected ${completed?.kind}`);
    expect(completed.tokens.map(({ text }) => text)).toEqual(["n", "", "é"]);
    const logs = completed.tokens.map(({ confidence }) => Math.log(confidence));
    expect(Math.log(completed.confidence)).toBeCloseTo(
      logs.reduce((sum, log) => sum + log, 0) / logs.length,
      12,
    );
  });

  test("frames tell the likeliest other tokens of what they reveal where that is asked for; nothing else is another", async () => {
    const [b, c] = fakeTokenizer.encode("bc");
    const seconds = fakeEngine((_, position) => {
      const logits = oneHot(fakeArchitecture.logitsColumns, fakeTokenizer.encode("a")[0]!, 9);
      [logits[b!], logits[c!], logits[fakeSpecial.endOfTurn]] = [
        8,
        7,
        position % 2 === 0 ? 8.5 : 6,
      ];
      return logits;
    });
    const told = await events(asking({ alternatives: 3 }), seconds);
    const first = told[1];
    if (first?.kind !== "answer.frame") throw new Error(`unexpected ${first?.kind}`);
    const [{ confidence, position, alternatives = [] } = { confidence: 0, position: 0 }] =
      first.revealed;
    const texts = position % 2 === 0 ? ["", "b", "c"] : ["b", "c", ""];
    expect(alternatives.map(({ text }) => text)).toEqual(texts);
    const likely = alternatives.find(({ text }) => text === "b");
    expect(likely?.confidence).toBeCloseTo(confidence * Math.exp(-1), 12);
    const plain = await events(asking(), seconds);
    expect(withoutAlternatives(told)).toEqual(plain);
    expect(told.at(-1)).toEqual(plain.at(-1)); // nowhere but in frames
    expect(JSON.stringify(plain)).not.toContain("alternatives");
  });

  test("a partial answer tells none, though its pass was asked", async () => {
    const engine = writing("a cat");
    const deadline = new AbortController();
    const tools = { engine, tokenizer: fakeTokenizer, renderTemplate: fakeTemplate };
    const told: ModelEvent[] = [];
    const question = asking({ alternatives: 1 });
    const { signal } = new AbortController();
    const working = { ...tools, resize: resizeBicubic };
    for await (const event of answer(question, working, signal, deadline.signal)) {
      told.push(event);
      if (event.kind === "answer.frame") deadline.abort();
    }
    expect(told.at(-1)?.kind).toBe("answer.partial");
    expect(JSON.stringify(told.at(-1))).not.toContain("alternatives");
  });

  test("an answer in which the model wrote no text has failed, whatever suffix it has", async () => {
    for (const suffix of ["", "!"]) {
      const question = asking({ options: { ...options, suffix } });
      const failed = (await events(question, writing(""))).at(-1);
      const failure = { kind: "empty_answer", canvas: 8 };
      expect(failed).toEqual({ kind: "answer.failed", failure });
    }
  });

  test("an answer that a stop text leaves nothing of is completed: the model wrote it", async () => {
    const question = asking({ options: { ...options, stop: ["a c"] } });
    expect((await events(question, writing("a cat"))).at(-1)).toMatchObject({
      kind: "answer.completed",
      ...{ answer: "", confidence: 0, tokens: [] },
    });
  });

  test("the frame that makes sure of a text token says so, and those after it; an end of the turn before it makes none sure", async () => {
    const sure = (await events(asking(), writing("ab"))).map((event) =>
      event.kind === "answer.frame" ? event.hasText : null,
    );
    expect(sure).toEqual([null, true, true, true, null]);
    const empty = await events(asking(), writing(""));
    expect(empty[1]).toMatchObject({ hasText: false, turnEnd: 0 });
  });

  test("a stop of the caller's ends the answer before it; one that spells the mask ends nothing", async () => {
    const question = asking({ options: { ...options, stop: ["t", "<|mdm_mask|>"] } });
    expect((await events(question, writing("a cat"))).at(-1)).toMatchObject({ answer: "a ca" });
  });

  test("blocks behind a stop text do not run, wherever in a token it begins", async () => {
    const blocks = { canvas: 8, blockLength: 2, steps: 8 };
    const question = asking({ options: { ...options, ...blocks, stop: ["cat"] } });
    const end = (await events(question, writing("a cat!!!"))).at(-1);
    expect(end).toMatchObject({ answer: "a ", usage: { steps: 5 } });
    const first = asking({ options: { ...options, ...blocks, stop: [" "] } });
    const sooner = (await events(first, writing("a cat!!!"))).at(-1);
    expect(sooner).toMatchObject({ answer: "a", usage: { steps: 2 } });
  });

  test("a stop that spells a special token never matches one: special tokens are no text", async () => {
    const question = asking({ options: { ...options, stop: ["<|eot_id|>"] } });
    expect((await events(question, writing("ab"))).at(-1)).toMatchObject({ answer: "ab" });
  });

  test("the suffix ends the answer and can spell no special token", async () => {
    const question = asking({ options: { ...options, canvas: 4, blockLength: 4, suffix: "!" } });
    expect((await events(question, writing("ab"))).at(-1)).toMatchObject({ answer: "ab!" });
  });

  test("a picture's vectors are counted, encoded and laid into the prompt", async () => {
    const engine = writing("x");
    const [started] = await events(asking({ pictures: [picture(8, 6)] }), engine);
    // 4 base patches; the 2 by 2 tiles' grid of 4 by 4 loses its padding of none: 4 rows of 4 and a newline.
    expect(started).toMatchObject({ imageVectors: 4 + 4 * 5 });
    const first = engine.passes[0];
    const length = started?.kind === "answer.started" ? started.promptLength + started.canvas : 0;
    expect(first?.embeddingsSD.shape).toEqual([length, 2]);
    const markers = first?.embeddingsSD.data.filter(
      (value, index) => index % 2 === 0 && value === -1,
    );
    expect(markers).toHaveLength(24);
  });

  test("low detail takes the base view alone", async () => {
    const question = asking({ pictures: [picture(8, 6)], options: { ...options, detail: "low" } });
    expect((await events(question, writing("x")))[0]).toMatchObject({ imageVectors: 5 });
  });

  test("a prompt that is too long is refused before any work", async () => {
    const engine = writing("x");
    const [only, ...rest] = await events(
      asking({ messages: [{ role: "user", text: "long ".repeat(50) }] }),
      engine,
    );
    expect(only).toMatchObject({
      kind: "answer.failed",
      failure: { kind: "prompt_too_long", limit: 200 },
    });
    expect(rest).toEqual([]);
    expect(engine.passes).toEqual([]);
  });

  test("a prompt that there is no room to keep is refused in the modes that keep it, and answered in exact", async () => {
    const engine = { ...writing("x"), prefixLimit: 10 };
    for (const mode of ["cached", "fast"] as const) {
      const question = asking({ options: { ...options, ...modeTerms(mode, 4) } });
      expect(await events(question, engine)).toEqual([
        {
          kind: "answer.failed",
          failure: { kind: "prompt_too_long", length: expect.any(Number), limit: 10, mode },
        },
      ]);
    }
    expect((await events(asking(), engine)).at(-1)).toMatchObject({ kind: "answer.completed" });
  });

  test("in fast, a clear answer is written at the first step, says so, and took one pass", async () => {
    const question = asking({ options: { ...options, ...modeTerms("fast", 4) } });
    const found = await events(question, writing("a cat"));
    const frames = found.filter((event) => event.kind === "answer.frame");
    expect(frames.map(({ reason, refreshed }) => [reason, refreshed])).toEqual([["early", true]]);
    const end = found.at(-1);
    if (end?.kind !== "answer.completed") throw new Error(`unexpected ${end?.kind}`);
    expect(end).toMatchObject({ answer: "a cat", usage: { steps: 1, refreshes: 1 } });
    expect(end.usage.rows).toBe(end.usage.promptLength + 8);
  });

  test("in cached, usage counts the passes that computed the prompt, and every position that any computed", async () => {
    const question = asking({ options: { ...options, ...modeTerms("cached", 4) } });
    const { usage } = (await events(question, writing("a cat"))).at(-1) as { usage: Usage };
    expect(usage).toMatchObject({ steps: 6, forwardPasses: 6, refreshes: 2 });
    expect(usage.rows).toBe(2 * (usage.promptLength + 8) + 4 * 8);
  });

  test("a text-only checkpoint refuses pictures", async () => {
    const { vision: _vision, image: _image, ...blind } = fakeArchitecture;
    const question = asking({ pictures: [picture(2, 2)] });
    expect(await events(question, writing("x", blind))).toEqual([
      { kind: "answer.failed", failure: { kind: "images_not_supported" } },
    ]);
  });

  test("a text-only model may write any id but the mask, and its answer ends where it ends the text", async () => {
    const { vision: _vision, image: _image, ...blind } = fakeArchitecture;
    const architecture = { ...blind, decoding: defaultDecoding(fakeSpecial, false) };
    const ids = [...fakeTokenizer.encode("hi"), fakeSpecial.endOfText];
    const engine = fakeEngine((sequence, position) => {
      const start = sequence.lastIndexOf(fakeSpecial.endHeader) + 3;
      const token = ids[position - start] ?? fakeTokenizer.encode("x")[0] ?? 0;
      return oneHot(architecture.logitsColumns, token, 20 - (position - start));
    }, architecture);
    const completed = (await events(asking(), engine)).at(-1);
    expect(completed).toMatchObject({ kind: "answer.completed", answer: "hi" });
    expect(new Set(engine.passes.flatMap(({ suppressed }) => suppressed))).toEqual(
      new Set([fakeSpecial.mask]),
    );
  });
});

/** Bright pictures are of its world, dark ones are not; what it says of itself is half as sure in log-odds. */
const trust: Trust = {
  domain: {
    description: "Bright pictures.",
    score: {
      statistics: [{ reduce: [{ over: "positions", by: "mean" }] }],
      ...{ mean: [0], deviation: [1], weight: [1], limit: 5, bias: 0, threshold: 0.25 },
    },
  },
  calibration: { temperature: 2, shift: 0 },
  abstention: { sentences: ["no idea"], below: 0.5 },
};

function bright(brightness: number): Picture {
  return { width: 4, height: 4, pixelsHWC: new Uint8Array(48).fill(brightness) };
}

/** The end of what is told of a question about pictures, and the first frame. */
async function judged(text: string, pictures: readonly Picture[], by?: Trust) {
  const told = await events(asking({ pictures }), writing(text), by);
  return { started: told[0], frame: told[1], later: told[2], end: told.at(-1) };
}

describe("an answer of a model whose maker says how far it can be trusted", () => {
  test("tells with its start what it is judged by, and with its first frame how the picture is of its world", async () => {
    const { started, frame, later, end } = await judged("a cat", [bright(255)], trust);
    const { calibration, abstention } = trust;
    expect(started).toMatchObject({ trust: { calibration, abstention } });
    expect(frame).toMatchObject({ domainScore: 0.75 });
    expect(later).not.toHaveProperty("domainScore");
    expect(end).toMatchObject({ kind: "answer.completed", answer: "a cat", domainScore: 0.75 });
    expect(end).not.toHaveProperty("abstention");
  });

  test("chooses the same tokens as one of which nothing is said; its own confidence alone is another", async () => {
    const [{ end: plain }, { end: told }] = await Promise.all([
      judged("a cat", [bright(255)]),
      judged("a cat", [bright(255)], trust),
    ]);
    if (plain?.kind !== "answer.completed" || told?.kind !== "answer.completed")
      throw new Error("the answers did not come to their end");
    expect(told.tokens).toEqual(plain.tokens);
    expect(told.usage).toEqual(plain.usage);
    const logOdds = (p: number): number => Math.log(p / (1 - p));
    expect(logOdds(told.confidence)).toBeCloseTo(logOdds(plain.confidence) / 2, 6);
    expect(plain).not.toHaveProperty("domainScore");
  });

  test("has abstained where one of its pictures is out of the world, and is not sure of anything then", async () => {
    const outside = { domainScore: -1.25, abstention: "out_of_domain", confidence: 0 };
    const { end } = await judged("a cat", [bright(255), bright(0)], trust);
    expect(end).toMatchObject({ answer: "a cat", ...outside });
  });

  test("has abstained where the model says that it does not know", async () => {
    const { end } = await judged("no idea", [bright(255)], trust);
    expect(end).toMatchObject({ answer: "no idea", abstention: "unsure", confidence: 0 });
  });

  test("without a picture is of no world", async () => {
    const { end } = await judged("a cat", [], trust);
    expect(end).not.toHaveProperty("domainScore");
    expect(end).not.toHaveProperty("abstention");
  });

  test("keeps a picture's score with its features", async () => {
    const kept = new Map<string, PictureFeatures>();
    const features: KeptFeatures = {
      find: (key) => kept.get(key),
      async make(key, making, signal) {
        kept.set(key, await making(signal));
        return kept.get(key)!;
      },
    };
    const tools = { engine: writing("a cat"), tokenizer: fakeTokenizer, features, trust };
    const question = asking({ pictures: [bright(0)], pictureDigests: ["dark"] });
    const ends = [];
    for (let time = 0; time < 2; time++) {
      const rest = { renderTemplate: fakeTemplate, resize: resizeBicubic };
      const told = answer(question, { ...tools, ...rest }, new AbortController().signal);
      ends.push((await Array.fromAsync(told)).at(-1));
    }
    expect(ends[1]).toMatchObject({ abstention: "out_of_domain", domainScore: -1.25 });
    expect(ends[0]).toMatchObject({ abstention: "out_of_domain", domainScore: -1.25 });
    expect([...kept.values()]).toMatchObject([{ domainScore: -1.25 }]);
  });
});
