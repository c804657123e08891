import type { JSX } from "hono/jsx/jsx-runtime";
import type { Answer } from "#client/answer-stream.ts";
import type { Actions } from "../actions.ts";
import { Fact } from "../parts/fact.tsx";
import { Verdict } from "../parts/verdict.tsx";
import type { Run } from "../state.ts";
import { moneyText } from "./money.ts";

export interface FactsViewProps {
  readonly run: Run;
  readonly answer: Answer;
  readonly actions: Actions;
}

/** What an answer took and cost, whether it was cached, and how it is shown to be the same when it is made afresh. */
export function FactsView({ run, answer, actions }: FactsViewProps): JSX.Element {
  const { quotedMicros, replay } = run;
  return (
    <div class="facts">
      {answer.abstention !== null && <p class="reliance">{relianceWords[answer.abstention]}</p>}
      <dl>
        <Fact name="Status">{statusText(answer, run)}</Fact>
        <Fact name="Made in">{madeIn(answer, run)}</Fact>
        <Fact name="Charged">
          {moneyText(answer.charged_micros)}
          {quotedMicros !== null && (
            <span class="fine"> {chargeText(quotedMicros, answer, run)}</span>
          )}
        </Fact>
        <Fact name="Source">{sourceText(run, answer)}</Fact>
        <Fact name="Digest">
          {answer.digest === null ? (
            <span class="fine">none: only a completed answer has one</span>
          ) : (
            <>
              <code title={answer.digest}>{answer.digest.slice(0, 16)}…</code>
              {run.isPrivate && <span class="fine"> of this device's arithmetic</span>}
            </>
          )}
        </Fact>
      </dl>
      {answer.warnings.length > 0 && (
        <ul class="warnings">
          {answer.warnings.map(({ message }) => (
            <li>{message}</li>
          ))}
        </ul>
      )}
      {run.isPrivate && (
        <p class="fine">
          The service writes the same tokens. Where two are about as sure it may write the other one
          first, and then its confidences and its digest are others.
        </p>
      )}
      <div class="row">
        {run.reading === null && (
          <button type="button" onClick={actions.followUp}>
            Ask a follow-up
          </button>
        )}
        {answer.digest !== null && !run.isPrivate && (
          <button
            type="button"
            disabled={replay === "under_way"}
            onClick={() => void actions.replay()}
          >
            {replay === "under_way" ? "Replaying …" : "Replay"}
          </button>
        )}
        <button type="button" class="quiet" onClick={actions.newQuestion}>
          {run.reading === null ? "New question" : "New reading"}
        </button>
      </div>
      <div aria-live="polite">
        {replay !== null && replay !== "under_way" && <Verdict replay={replay} />}
      </div>
    </div>
  );
}

const relianceWords: Readonly<Record<NonNullable<Answer["abstention"]>, string>> = {
  out_of_domain: "Not to be relied on: this picture is outside of what the model was trained for.",
  unsure: "Not to be relied on: the model itself says that it does not know.",
  low_confidence: "Not to be relied on: the model is not sure enough.",
};

function sourceText({ isPrivate }: Run, { cached }: Answer): string {
  if (isPrivate) return "made on this device; nothing was sent";
  return cached ? "from the cache" : "made for you";
}

function statusText(answer: Answer, run: Run): string {
  const { status } = answer;
  switch (status) {
    case "partial":
      return `partial: the deadline came after ${ranText(answer, run)}`;
    case "cancelled":
      return `stopped after ${ranText(answer, run)}`;
    default:
      return status;
  }
}

/** Words are written in steps, values are read in passes. */
function ranText({ usage }: Answer, { reading }: Run): string {
  if (reading === null) return usage.steps === 1 ? "1 step" : `${usage.steps} steps`;
  return usage.forward_passes === 1 ? "1 pass" : `${usage.forward_passes} passes`;
}

/** From the service's own clock, since this page shows steps no faster than the eye. */
function madeIn({ created_at, ended_at }: Answer, { reading }: Run): JSX.Element {
  if (ended_at === null) return <>–</>;
  const ms = Date.parse(ended_at) - Date.parse(created_at);
  return (
    <>
      {ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`}
      {reading === null && <span class="fine"> (shown slower)</span>}
    </>
  );
}

function chargeText(
  quoted: number,
  { charged_micros: charged, cached }: Answer,
  { reading }: Run,
): string {
  if (charged === quoted) return "as quoted";
  if (cached) return `instead of ${moneyText(quoted)}`;
  return `of ${moneyText(quoted)} quoted: for the ${reading === null ? "steps" : "passes"} that ran`;
}
