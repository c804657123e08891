import type { Answer } from "#client/answer-stream.ts";
import type { PlaygroundPass } from "#client/playground-pass.ts";
import type { Replay } from "#client/replay.ts";
import type { FieldProblem } from "#domain/failure.ts";
import type { QuoteBody } from "#wire/api/answers/quotes.ts";
import type { ModelBody } from "#wire/api/models.ts";
import type { Draft } from "./asking/draft.ts";
import type { Film } from "./canvas/film.ts";
import type { Reading } from "./fields/reading.ts";
import type { Arrival } from "./pictures/picture.ts";
import type { PrivateState } from "./private/desk.ts";
import type { Trouble } from "./trouble.ts";

/** Everything that the page shows. */
export interface State {
  /** Null: the person has to bring one. */
  readonly pass: PlaygroundPass | null;
  /** Null before they are known. */
  readonly models: readonly ModelBody[] | null;
  readonly draft: Draft;
  /** Pictures of the draft that are on their way, in the order in which they were chosen: the question waits for them. */
  readonly arriving: readonly Arrival[];
  /** Of the draft as it stands; null while that is not known. */
  readonly quote: QuoteBody | null;
  /** What the service said last about the values that are asked for. */
  readonly fieldProblems: readonly FieldProblem[];
  readonly run: Run | null;
  readonly trouble: Trouble | null;
  readonly private: PrivateState;
  /** The step that is looked at; null: the latest. */
  readonly scrubbed: number | null;
  /** What colours the cells. */
  readonly heat: "order" | "confidence";
}

/** One question on its way, or answered. */
export interface Run {
  /** Tells runs apart: what comes late of one is none of the next. */
  readonly number: number;
  readonly question: string;
  readonly film: Film | null;
  /** Whether frames are still to be shown. */
  readonly isShowing: boolean;
  /** Null until it has ended. */
  readonly answer: Answer | null;
  /** What it was said to cost, in micro-dollars. */
  readonly quotedMicros: number | null;
  /** What became of the connection, in order. */
  readonly notes: readonly StreamNote[];
  readonly replay: Replay | "under_way" | null;
  /** Whether it was answered on this device, and nothing of it was sent. */
  readonly isPrivate: boolean;
  /** The values that are read; null: it was asked for words. */
  readonly reading: Reading | null;
}

export type StreamNote =
  | { readonly kind: "cut" }
  | { readonly kind: "resumed"; readonly lastEventId: string };

/** The card of the model that is asked. */
export function modelOf({ models, draft }: Pick<State, "models" | "draft">): ModelBody | null {
  const [first = null] = models ?? [];
  return models?.find(({ id }) => id === draft.model) ?? first;
}
