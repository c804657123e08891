import { useState, useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { AnswerSummaryBody } from "#wire/api/answers/answer-list.ts";
import { exactMoney, timeText } from "../data/amounts.ts";
import { ListView } from "../frame/list-view.tsx";
import { Choice, Id, SectionHead, type SectionProps, Table } from "../frame/section.tsx";
import { AnswerDetail } from "./answer-detail.tsx";
import { useKeyNames } from "./key-names.ts";

const statuses = ["queued", "running", "completed", "partial", "failed", "cancelled"] as const;

/** What was asked, newest first; each answer can be made afresh to see that it is the same. */
export function AnswersView({ dashboard }: SectionProps): JSX.Element {
  const { answerStatus } = useSyncExternalStore(dashboard.filters.subscribe, dashboard.filters.get);
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Answers"
        lead="What was asked, newest first. A replay makes one afresh and compares every bit."
        topics={["answers"]}
      />
      <section class="card" aria-label="Answers">
        <div class="filters">
          <Choice
            label="Status"
            value={answerStatus}
            options={[[null, "all"], ...statuses.map((status) => [status, status] as const)]}
            onChange={(chosen) => dashboard.narrow({ answerStatus: chosen })}
          />
        </div>
        <ListView
          list={dashboard.answers}
          of="answers"
          empty={
            <p>
              No answers. <a href="/">Ask a picture</a>, and it stands here.
            </p>
          }
        >
          {(answers: readonly AnswerSummaryBody[]) => (
            <Table
              label="Answers"
              head={[
                "Asked",
                { name: "Answer", kind: "wide" },
                { name: "Key", kind: "wide" },
                "Status",
                { name: "Charged", kind: "number wide" },
                "",
              ]}
            >
              {answers.map((answer) => (
                <AnswerRows key={answer.id} {...{ answer, dashboard }} />
              ))}
            </Table>
          )}
        </ListView>
      </section>
    </>
  );
}

const badges: Readonly<Record<AnswerSummaryBody["status"], string>> = {
  queued: "waiting",
  running: "waiting",
  completed: "live",
  partial: "waiting",
  failed: "bad",
  cancelled: "over",
};

function AnswerRows({
  answer,
  dashboard,
}: SectionProps & { readonly answer: AnswerSummaryBody }): JSX.Element {
  const [isOpen, open] = useState(false);
  const nameOf = useKeyNames(dashboard);
  const { id, status, key, charged_micros, created_at } = answer;
  const time = timeText(created_at, dashboard.now());
  return (
    <>
      <tr>
        <td class="nowrap">
          <time datetime={created_at}>{time}</time>
        </td>
        <td class="wide">
          <Id id={id} />
        </td>
        <td class="wide">{nameOf(key)}</td>
        <td>
          <span class={`badge ${badges[status]}`}>{status}</span>
        </td>
        <td class="number wide">{exactMoney(charged_micros)}</td>
        <td>
          <button
            type="button"
            aria-expanded={isOpen ? "true" : "false"}
            aria-controls={`answer-${id}`}
            onClick={() => open(!isOpen)}
          >
            {isOpen ? "Less" : "More"}
            <span class="unseen"> about the answer of {time}</span>
          </button>
        </td>
      </tr>
      <tr id={`answer-${id}`} hidden={!isOpen} class="detail">
        <td colSpan={6}>{isOpen && <AnswerDetail {...{ id, dashboard }} />}</td>
      </tr>
    </>
  );
}
