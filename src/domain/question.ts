/** How an answer is to be made. All counts are positive integers; `canvas % blockLength` and `steps % blocks` are 0. */
export interface AnswerOptions {
  /** `low`: the base view alone. `auto`: the checkpoint's own image policy. */
  readonly detail: "low" | "auto";
  /** Positions to fill, the most tokens an answer can have (L). */
  readonly canvas: number;
  /** Forward passes over the whole answer: a hard ceiling, and what is paid for. */
  readonly steps: number;
  /** Positions per block; blocks are finished left to right. Equal to `canvas` is one block, which is what LLaDA-V is best at. */
  readonly blockLength: number;
  readonly mode: AnswerMode;
  /** 0 chooses the likeliest token; above 0 adds Gumbel noise drawn from `seed`. */
  readonly temperature: number;
  readonly seed: number;
  /** Texts that end an answer before them, besides the end of the turn. */
  readonly stop: readonly string[];
  /** Text fixed behind the canvas, seen from the first step on. */
  readonly suffix?: string;
}

/** `exact` recomputes everything at every step, as the reference does. */
export type AnswerMode = "exact";

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
}

/** What is asked. The pictures belong before the first user message; the last message is the user's. */
export interface Question {
  readonly messages: readonly Message[];
  /** Files as they were sent: JPEG, PNG, WebP or GIF bytes, in the order of their markers. */
  readonly images: readonly Uint8Array[];
  readonly options: AnswerOptions;
}

/** What an answer took. */
export interface Usage {
  /** Vectors that the pictures became. */
  readonly imageVectors: number;
  /** Positions before the canvas, image vectors included. */
  readonly promptLength: number;
  readonly canvas: number;
  /** Steps that ran. */
  readonly steps: number;
  /** Passes through the network: guidance doubles them, a full canvas ends them early. */
  readonly forwardPasses: number;
}
