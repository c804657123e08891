import { useRef, useState } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Answer } from "#client/answer-stream.ts";
import { randomKey } from "#client/platform.ts";
import type { Replay } from "#client/replay.ts";
import { Verdict } from "../../parts/verdict.tsx";
import { counted, exactMoney } from "../data/amounts.ts";
import type { Dashboard } from "../data/dashboard.ts";
import { createResource } from "../data/resource.ts";
import { DeedTrouble, useDeed } from "../frame/dialog.tsx";
import { ResourceView } from "../frame/list-view.tsx";

export interface AnswerDetailProps {
  readonly id: string;
  readonly dashboard: Dashboard;
}

/** One answer, and its replay. */
export function AnswerDetail({ id, dashboard }: AnswerDetailProps): JSX.Element {
  const { api, reporter } = dashboard;
  const [resource] = useState(() => createResource(() => api.answer(id), reporter));
  return (
    <ResourceView resource={resource} of="the answer">
      {(answer: Answer) => (
        <div class="told-detail">
          <p class="answered">{answer.answer === "" ? "–" : answer.answer}</p>
          <dl class="figures">
            <div>
              <dt>Model</dt>
              <dd>{answer.model}</dd>
            </div>
            <div>
              <dt>Work</dt>
              <dd>{counted(answer.usage.steps, "step")}</dd>
            </div>
            <div>
              <dt>Charged</dt>
              <dd>
                {exactMoney(answer.charged_micros)}
                {answer.cached && <span class="fine"> from the cache</span>}
              </dd>
            </div>
            <div>
              <dt>Digest</dt>
              <dd>
                {answer.digest === null ? (
                  <span class="fine">none: only a completed answer has one</span>
                ) : (
                  <code title={answer.digest}>{answer.digest.slice(0, 16)}…</code>
                )}
              </dd>
            </div>
          </dl>
          <code class="fine breaks">{answer.id}</code>
          {answer.digest !== null && <Replaying {...{ answer, dashboard }} />}
        </div>
      )}
    </ResourceView>
  );
}

function Replaying({
  answer,
  dashboard,
}: {
  readonly answer: Answer;
  readonly dashboard: Dashboard;
}): JSX.Element {
  const deed = useDeed(dashboard.reporter.troubleOf);
  const [replay, tell] = useState<Replay | null>(null);
  // Asked again after a broken connection it is the same replay, charged once.
  const attempt = useRef(randomKey());
  const mayReplay = dashboard.session.scopes.includes("replay");
  const run = (): void =>
    void deed.run(async () => {
      tell(await dashboard.api.replay(answer.id, attempt.current ?? randomKey()));
      attempt.current = randomKey();
      dashboard.changed("account", "answers", "ledger", "usage");
    });
  return (
    <>
      <DeedTrouble deed={deed} />
      <div class="row">
        <button type="button" disabled={deed.isBusy || !mayReplay} onClick={run}>
          {deed.isBusy ? "Replaying …" : "Replay"}
        </button>
        <p class="fine">
          {mayReplay
            ? "It costs what the answer cost; questions are kept for a day."
            : "A session without a key asks nothing: sign in with the key to replay."}
        </p>
      </div>
      <div aria-live="polite">{replay !== null && <Verdict replay={replay} />}</div>
    </>
  );
}
