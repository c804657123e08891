import type { JSX } from "hono/jsx/jsx-runtime";
import type { FieldBody } from "#wire/api/answers/fields/field-body.ts";
import type { Actions } from "../actions.ts";
import { StreamNotes } from "../asking/stream-notes.tsx";
import { percent } from "../canvas/cell-words.ts";
import { CopyButton } from "../parts/copy-button.tsx";
import type { Run, State } from "../state.ts";
import { FactsView } from "../views/facts-view.tsx";
import { openReading, type Reading } from "./reading.ts";
import { type Share, sharesOf, stateWords, valueWords } from "./reading-words.ts";
import { type FieldRow, typeWords } from "./rows.ts";

export interface ValuesViewProps {
  readonly state: State;
  readonly actions: Actions;
}

/** The values: each in its row as soon as it is known, with how likely its options were; and what is known of the answer. */
export function ValuesView({ state, actions }: ValuesViewProps): JSX.Element {
  const { run, draft } = state;
  const reading = run?.reading ?? openReading(draft.rows);
  const answer = run?.isShowing === false ? run.answer : null;
  return (
    <section class="card result" aria-label="Answer">
      {reading.rows.length === 0 && <Welcome />}
      {run !== null && run.question !== "" && <p class="asked">{run.question}</p>}
      {run !== null && <Toolbar {...{ run, reading, actions }} />}
      {reading.rows.length > 0 && (
        <ol class="values" aria-label="Values read">
          {reading.rows.map((row) => (
            <ValueItem
              row={row}
              body={reading.told.get(row.name.trim()) ?? null}
              isUnderWay={run?.isShowing === true}
            />
          ))}
        </ol>
      )}
      <Spoken reading={reading} />
      {run !== null && <StreamNotes run={run} />}
      {answer !== null && <Json text={prettyJson(answer.answer)} />}
      {run !== null && answer !== null && <FactsView {...{ run, actions, answer }} />}
    </section>
  );
}

function Welcome(): JSX.Element {
  return (
    <div class="welcome">
      <p class="reading">
        Not a sentence: <em>values.</em>
      </p>
      <p>
        Name what a program wants to know. Everything with options is read in one look at the
        picture, each option with its probability, and the price is known before.
      </p>
    </div>
  );
}

interface ToolbarProps {
  readonly run: Run;
  readonly reading: Reading;
  readonly actions: Actions;
}

function Toolbar({ run, reading, actions }: ToolbarProps): JSX.Element {
  return (
    <div class="row toolbar">
      <p class="fine state">{progressText(run, reading)}</p>
      {run.isShowing && (
        <div class="row">
          <button type="button" onClick={actions.cut}>
            Cut the stream
          </button>
          <button type="button" onClick={actions.stop}>
            Stop
          </button>
        </div>
      )}
    </div>
  );
}

function progressText({ isShowing, answer }: Run, { rows, told, passes }: Reading): string {
  if (passes === 0 && isShowing) return "looking …";
  const count = [...told.values()].filter((body) => !("unfinished" in body)).length;
  const known = `${count} of ${rows.length} known`;
  if (answer !== null && count < rows.length) return known;
  if (answer === null) return isShowing ? `${known}, pass ${passes}` : known;
  const ran = answer.usage.forward_passes;
  return `read in ${ran === 1 ? "one pass" : `${ran} passes`}`;
}

interface ValueItemProps {
  readonly row: FieldRow;
  /** Null before it is known. */
  readonly body: FieldBody | null;
  readonly isUnderWay: boolean;
}

function ValueItem({ row, body, isUnderWay }: ValueItemProps): JSX.Element {
  const value = body === null ? null : valueWords(body.value);
  const state = body === null ? null : stateWords(body);
  const shares = body === null ? [] : sharesOf(body);
  return (
    <li class={body === null ? "value" : "value known"}>
      <div class="value-head">
        <h2>{row.name === "" ? "unnamed" : row.name}</h2>
        <p class="fine">{row.instructions === "" ? typeWords[row.type] : row.instructions}</p>
      </div>
      <div class="value-body">
        {body === null ? (
          <p class="pending">
            <span class="gap" aria-hidden="true" />
            <span class="unseen">{isUnderWay ? "not known yet" : "not read yet"}</span>
          </p>
        ) : (
          value !== null && <p class="told-value">{value === "" ? "(empty)" : value}</p>
        )}
        {state !== null && <p class="value-state">{state}</p>}
        {shares.length > 0 && <Shares shares={shares} />}
      </div>
    </li>
  );
}

function Shares({ shares }: { readonly shares: readonly Share[] }): JSX.Element {
  return (
    <ul class="shares">
      {shares.map(({ words, share, isValue }) => (
        <li class={isValue ? "chosen" : ""} style={{ "--share": share.toFixed(4) }}>
          <span class="option">
            <span class="sign" aria-hidden="true">
              {isValue ? "●" : "○"}
            </span>
            {words}
          </span>
          <span class="track-of-share" aria-hidden="true" />
          <span class="share">{percent(share)}</span>
        </li>
      ))}
    </ul>
  );
}

/** What a screen reader hears: each value once, when it is known. */
function Spoken({ reading }: { readonly reading: Reading }): JSX.Element {
  return (
    <ul class="unseen" aria-live="polite" aria-label="Values as they are known" id="spoken-values">
      {[...reading.told].map(([name, body]) => (
        <li key={name}>{`${name}: ${spokenWords(body)}`}</li>
      ))}
    </ul>
  );
}

function spokenWords(body: FieldBody): string {
  return [valueWords(body.value), stateWords(body)].filter((words) => words !== null).join("; ");
}

function Json({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="json">
      <div class="row">
        <h2>As JSON</h2>
        <CopyButton text={text} name="Copy the values" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls it with the keys (WCAG 2.1.1). */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

/** A member a line. */
function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
