import {
  type Alternative,
  type CanvasToken,
  type ReadAnswer,
  readAnswer,
  type TextTerms,
  UNWRITTEN,
} from "#domain/answer-text.ts";
import type { AnswerFrame } from "#domain/event.ts";
import { type Canvas, withGuesses } from "./decode/canvas.ts";
import type { DecodeStep, Reveal } from "./decode/decode.ts";
import { type CanvasReader, type CanvasReading, createCanvasReader } from "./text/canvas-reader.ts";
import type { PieceTools } from "./text/detokenizer.ts";

/** One answer while it is written: what was committed, how it reads, and where it ends. */
export class AnswerSoFar {
  readonly #terms: TextTerms;
  readonly #tools: PieceTools;
  readonly #readCanvas: CanvasReader;
  readonly #written = new Map<number, CanvasToken>();
  #guesses: readonly Reveal[] = [];
  #step = 0;
  /** As of the last step told, and of the last step run. */
  #told: CanvasReading;
  #reading: CanvasReading;

  /** `length`: positions of the canvas. */
  constructor(length: number, tools: PieceTools, terms: TextTerms) {
    this.#terms = terms;
    this.#tools = tools;
    this.#readCanvas = createCanvasReader(tools, terms.stop);
    this.#reading = this.#readCanvas(new Int32Array(length).fill(tools.mask));
    this.#told = this.#reading;
  }

  /** Whether the model's own text has a token, even if a stop text leaves nothing of it. */
  get hasText(): boolean {
    return this.#reading.hasText;
  }

  /** Where the answer ends in its text; to be called after each step, before `tell`. */
  readonly ending = ({ tokens }: Canvas): CanvasReading => {
    this.#reading = this.#readCanvas(tokens);
    return this.#reading;
  };

  /** Takes in what a step committed, and tells it with the earlier tokens that read otherwise beside it. */
  tell(done: DecodeStep): AnswerFrame {
    const { number, reveals, guesses, stableUntil, reason, refresh, rows } = done;
    const { pieces, turnEnd, hasText } = this.#reading;
    const before = this.#told.pieces;
    const revised = pieces.flatMap((text = "", position) => {
      const earlier = before[position];
      return earlier === undefined || earlier === text ? [] : [{ position, text }];
    });
    const revealed = reveals.map(({ alternatives, ...reveal }) => {
      const token = { ...reveal, text: pieces[reveal.position] ?? "", step: number };
      this.#written.set(reveal.position, token);
      const told = this.#alternatives(alternatives);
      return told.length === 0 ? token : { ...token, alternatives: told };
    });
    this.#guesses = guesses;
    this.#step = number;
    this.#told = this.#reading;
    return {
      kind: "answer.frame",
      step: number,
      reason,
      refreshed: refresh !== "none",
      rows: rows * done.forwardPasses,
      revealed,
      stableUntil,
      hasText,
      ...(revised.length === 0 ? {} : { revised }),
      ...(turnEnd === undefined ? {} : { turnEnd }),
    };
  }

  /** Each as it reads alone: beside its neighbours nobody has written it. */
  #alternatives(others: Reveal["alternatives"] = []): Alternative[] {
    const { tokenizer } = this.#tools;
    return others.map(({ token, confidence }) => {
      return { token, text: tokenizer.decode([token]), confidence };
    });
  }

  /** The answer once it is written. */
  whole(): ReadAnswer {
    return this.#read(this.#written, this.#reading);
  }

  /** The answer as it stands after the last step told: its best guess for what is not written; nothing before the first. */
  guessed(canvas: Canvas): ReadAnswer {
    if (this.#step === 0) return UNWRITTEN;
    const tokens = new Map(this.#written);
    for (const { position, token, confidence } of this.#guesses)
      tokens.set(position, { position, token, confidence, text: "", step: this.#step });
    return this.#read(tokens, this.#readCanvas(withGuesses(canvas, this.#guesses).tokens));
  }

  #read(tokens: ReadonlyMap<number, CanvasToken>, { pieces, turnEnd }: CanvasReading): ReadAnswer {
    const own = pieces.slice(0, turnEnd).flatMap((text, position) => {
      const token = tokens.get(position);
      return token === undefined || text === undefined ? [] : [{ ...token, text }];
    });
    return readAnswer(own, this.#terms);
  }
}
