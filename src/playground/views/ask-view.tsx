import type { JSX } from "hono/jsx/jsx-runtime";
import type { Actions } from "../actions.ts";
import { waitsFor } from "../asking/waits.ts";
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
  return (
    <form
      class="card ask"
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
      <div class="field">
        <label for="question">{draft.turns.length === 0 ? "Question" : "Follow-up"}</label>
        <textarea
          id="question"
          rows={2}
          placeholder="What is in the picture?"
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
        {draft.turns.length === 0 && draft.question === "" && <Suggestions actions={actions} />}
      </div>
      <OptionsView {...{ draft, model, actions }} models={models ?? []} />
      <PrivateView {...{ state, actions }} />
      <div class="row go">
        <button
          type="submit"
          class="main"
          disabled={isUnderWay || waits !== null || draft.question.trim() === ""}
        >
          {isUnderWay ? "Unmasking …" : "Ask"}
        </button>
        <p class="waits fine" role="status">
          {waits ?? ""}
        </p>
        {waits === null && <Price {...{ isOn, quote }} />}
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

interface PriceProps extends Pick<State, "quote"> {
  /** Whether the question is asked without sending. */
  readonly isOn: boolean;
}

function Price({ isOn, quote }: PriceProps): JSX.Element {
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
            for {quote.steps} steps
            {quote.weights === "cold" ? ", once the model is loaded" : ""}
          </span>
        </>
      )}
    </p>
  );
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
