import type { JSX } from "hono/jsx/jsx-runtime";
import type { QuoteBody } from "#wire/api/answers/quotes.ts";
import type { Actions } from "../actions.ts";
import { type Draft, isBlank } from "../asking/draft.ts";
import { waitsFor } from "../asking/waits.ts";
import { BuilderView } from "../fields/builder-view.tsx";
import { refusedWords } from "../fields/problems.ts";
import { modelOf, type State } from "../state.ts";
import { moneyText } from "./money.ts";
import { OptionsView } from "./options-view.tsx";
import { PicturesView } from "./pictures-view.tsx";
import { PrivateView } from "./private-view.tsx";

/** How many pictures a question may have before the models are known. */
const USUAL_LIMIT = 8;

/** Where a question is written: pictures, words, options, and what it will cost. */
export function AskView({
  state,
  actions,
}: {
  readonly state: State;
  readonly actions: Actions;
}): JSX.Element {
  const { draft, quote, run, models } = state;
  const isUnderWay = run?.isShowing === true;
  const model = modelOf(state);
  const { isOn } = state.private;
  const waits = waitsFor(state);
  const areValues = draft.wants === "values";
  const mayBeRefused = waits === null && !isOn && !isBlank(draft);
  const refused = mayBeRefused
    ? refusedWords(state.fieldProblems, areValues ? draft.rows : [])
    : null;
  return (
    // What an option may be is said by the service: a browser holds the question back, and says nothing where the option is folded away.
    <form
      class="card ask"
      noValidate
      onSubmit={(event: Event) => {
        event.preventDefault();
        void actions.ask();
      }}
    >
      <PicturesView
        pictures={draft.pictures}
        arriving={state.arriving}
        actions={actions}
        limit={model?.limits.images ?? USUAL_LIMIT}
      />
      <WantsSwitch {...{ state, actions }} />
      {areValues && <BuilderView {...{ state, actions }} />}
      <div class="field">
        <label for="question">{questionLabel(draft)}</label>
        <textarea
          id="question"
          rows={areValues ? 1 : 2}
          placeholder={areValues ? "Optional, as context" : "What is in the picture?"}
          value={draft.question}
          onInput={(event: Event) =>
            actions.setQuestion((event.currentTarget as HTMLTextAreaElement).value)
          }
          onKeyDown={(event: KeyboardEvent) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            void actions.ask();
          }}
        />
        {!areValues && draft.turns.length === 0 && draft.question === "" && (
          <Suggestions actions={actions} />
        )}
      </div>
      <OptionsView {...{ draft, model, actions }} models={models ?? []} />
      <PrivateView {...{ state, actions }} />
      <div class="row go">
        <button
          type="submit"
          class="main"
          disabled={isUnderWay || waits !== null || isBlank(draft)}
        >
          {isUnderWay ? (areValues ? "Reading …" : "Unmasking …") : areValues ? "Read" : "Ask"}
        </button>
        <p class={refused === null ? "waits fine" : "waits wrong"} role="status">
          {waits ?? refused ?? ""}
        </p>
        {waits === null && refused === null && <Price {...{ isOn, quote, areValues }} />}
      </div>
      {!isOn && quote !== null && quote.warnings.length > 0 && (
        <ul class="warnings">
          {quote.warnings.map(({ message }) => (
            <li>{message}</li>
          ))}
        </ul>
      )}
    </form>
  );
}

/** Whether words or values are wanted; held, where values cannot be had. */
function WantsSwitch({
  state,
  actions,
}: {
  readonly state: State;
  readonly actions: Actions;
}): JSX.Element {
  const { draft } = state;
  const held = heldWords(state);
  return (
    <div class="row wants">
      <fieldset class="switch">
        <legend class="unseen">The answer is</legend>
        {(["words", "values"] as const).map((wants) => (
          <label class={draft.wants === wants ? "on" : ""}>
            <input
              type="radio"
              name="wants"
              value={wants}
              checked={draft.wants === wants}
              disabled={wants === "values" && held !== null && draft.wants === "words"}
              aria-describedby="wants-state"
              onChange={() => actions.setWants(wants)}
            />
            {wants === "words" ? "Words" : "Values"}
          </label>
        ))}
      </fieldset>
      <p class="fine" id="wants-state">
        {held ??
          (draft.wants === "words"
            ? "An answer as a sentence."
            : "Values for a program, each with its probability.")}
      </p>
    </div>
  );
}

/** Why values cannot be had; null where they can. */
function heldWords(state: State): string | null {
  if (state.private.isOn) return "Without sending, only words are answered.";
  return modelOf(state)?.read === null ? "This model answers in words alone." : null;
}

interface PriceProps extends Pick<State, "quote"> {
  /** Whether the question is asked without sending. */
  readonly isOn: boolean;
  readonly areValues: boolean;
}

function Price({ isOn, quote, areValues }: PriceProps): JSX.Element {
  return (
    <p class="price" aria-live="off">
      {isOn ? (
        <>
          <strong>{moneyText(0)}</strong>
          <span class="fine"> it never leaves this device</span>
        </>
      ) : quote === null ? (
        <span class="fine">The price is known before you ask.</span>
      ) : (
        <>
          <strong>{moneyText(quote.price_micros)}</strong>
          <span class="fine">
            {" "}
            {areValues ? passesText(quote) : `for ${quote.steps} steps`}
            {quote.weights === "cold" ? ", once the model is loaded" : ""}
          </span>
        </>
      )}
    </p>
  );
}

function passesText({ forward_passes: passes }: QuoteBody): string {
  return passes === 1 ? "for one pass" : `for ${passes} passes at most`;
}

function questionLabel({ wants, turns }: Draft): string {
  if (wants === "values") return "About the picture";
  return turns.length === 0 ? "Question" : "Follow-up";
}

const suggestions = [
  "Describe the image in detail.",
  "What is this?",
  "How many things are there?",
];

function Suggestions({ actions }: { readonly actions: Actions }): JSX.Element {
  return (
    <div class="suggestions">
      {suggestions.map((question) => (
        <button type="button" class="quiet" onClick={() => actions.setQuestion(question)}>
          {question}
        </button>
      ))}
    </div>
  );
}
