import type { DashboardTerms, Panel, Row } from "./dashboard.ts";

const RATE = "$__rate_interval";

/** A number that is 0 as long as all is well. */
function trouble(title: string, expr: string, description: string, unit = "short"): Panel {
  return { title, description, kind: "stat", unit, queries: [{ expr, legend: title }], redFrom: 1 };
}

const up: Row = {
  title: "Can it be asked",
  panels: [
    {
      title: "Functions by state",
      description:
        "Unreachable and failed ones are to be looked after; loading ones come by themselves.",
      kind: "timeseries",
      unit: "short",
      queries: [
        {
          expr: "sum by (model, state) (unmask_edge_functions) > 0",
          legend: "{{model}} {{state}}",
        },
      ],
    },
    trouble(
      "Models that nobody serves",
      'count(sum by (model) (unmask_edge_functions{state="ready"}) == 0) or vector(0)',
      "Models of which no function is ready.",
    ),
    {
      title: "Ready in",
      description: "Seconds until a model that is loading can be asked.",
      kind: "stat",
      unit: "s",
      queries: [{ expr: "unmask_edge_model_eta_seconds", legend: "{{model}}" }],
    },
  ],
};

const work: Row = {
  title: "Work",
  panels: [
    {
      title: "Answers by outcome",
      description: "Ends of answers per second; partial ones were told at their deadline.",
      kind: "timeseries",
      unit: "ops",
      queries: [
        {
          expr: `sum by (outcome) (rate(unmask_edge_answers_total[${RATE}]))`,
          legend: "{{outcome}}",
        },
      ],
    },
    {
      title: "Fields by outcome",
      description:
        "Fields of answers per second; abstained ones were not sure enough, unfinished ones met the deadline.",
      kind: "timeseries",
      unit: "ops",
      queries: [
        {
          expr: `sum by (outcome) (rate(unmask_edge_fields_total[${RATE}]))`,
          legend: "{{outcome}}",
        },
      ],
    },
    {
      title: "Fields that abstain",
      description: "Share of the last hour's that were not sure enough, by model and type.",
      kind: "timeseries",
      unit: "percentunit",
      queries: [
        {
          expr: 'sum by (model, type) (rate(unmask_edge_fields_total{outcome="abstained"}[1h])) / sum by (model, type) (rate(unmask_edge_fields_total[1h]))',
          legend: "{{model}} {{type}}",
        },
      ],
    },
    {
      title: "Mean time to the answer",
      description: "From the question to the end of the answer, waiting included.",
      kind: "timeseries",
      unit: "s",
      queries: [
        {
          expr: `sum by (model) (rate(unmask_edge_answer_seconds_total[${RATE}])) / sum by (model) (rate(unmask_edge_answers_total[${RATE}]))`,
          legend: "{{model}}",
        },
      ],
    },
    {
      title: "Refusals by code",
      description: "Of requests with a valid key, per second.",
      kind: "timeseries",
      unit: "ops",
      queries: [
        {
          expr: `topk(10, sum by (code) (rate(unmask_edge_refusals_total[${RATE}])))`,
          legend: "{{code}}",
        },
      ],
    },
    {
      title: "Wait in the queue",
      description: "How long answers stood in the functions' queues: the median, and 95 of 100.",
      kind: "timeseries",
      unit: "s",
      queries: [0.5, 0.95].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le) (rate(unmask_answer_wait_seconds_bucket[${RATE}])))`,
        legend: `p${quantile * 100}`,
      })),
      redFrom: 30,
    },
    {
      title: "Answers at the functions",
      description: "In the making and waiting, beside how many can be made at once.",
      kind: "timeseries",
      unit: "short",
      queries: [
        { expr: "sum by (model) (unmask_edge_answers_running)", legend: "{{model}} running" },
        { expr: "sum by (model) (unmask_edge_answers_waiting)", legend: "{{model}} waiting" },
        { expr: "sum by (model) (unmask_edge_places)", legend: "{{model}} places" },
      ],
    },
    {
      title: "Steps still to take",
      description: "What scaling goes by: work, not requests.",
      kind: "timeseries",
      unit: "short",
      queries: [{ expr: "sum by (model) (unmask_edge_queue_steps)", legend: "{{model}}" }],
    },
  ],
};

const money: Row = {
  title: "Money is right",
  panels: [
    trouble(
      "Ledgers that disagree with themselves",
      "unmask_edge_ledgers_unbalanced",
      "Anything but 0: stop selling to that account and read the runbook.",
    ),
    trouble(
      "Holds beyond their life",
      "unmask_edge_holds_overdue",
      "Accounts with credit that should have been given back.",
    ),
    {
      title: "Open holds",
      description: "One for each answer or batch in the making.",
      kind: "timeseries",
      unit: "short",
      queries: [{ expr: "unmask_edge_holds_open", legend: "holds" }],
    },
    {
      title: "Oldest hold",
      description: "Open holds belong to answers in the making: a day at the most.",
      kind: "stat",
      unit: "s",
      queries: [{ expr: "unmask_edge_hold_oldest_seconds", legend: "age" }],
      redFrom: 86_400,
    },
    {
      title: "Held and captured",
      description: "Credit set aside now, and what was charged in all.",
      kind: "timeseries",
      unit: "currencyUSD",
      queries: [
        { expr: "unmask_edge_credit_held_micros / 1e6", legend: "held" },
        { expr: "unmask_edge_credit_captured_micros / 1e6", legend: "captured" },
      ],
    },
    trouble(
      "Replays that differ",
      'increase(unmask_edge_replays_total{outcome="different"}[1d])',
      "Of the last day: equal arithmetic that did not answer equally.",
    ),
    trouble(
      "Payments nobody was credited for",
      "unmask_edge_payment_events_open",
      "Events whose account is not known, or that no ledger has heard.",
    ),
  ],
};

const told: Row = {
  title: "Told and copied",
  panels: [
    {
      title: "Webhooks",
      description:
        "Deliveries that wait for another attempt, and those that were given up and are kept.",
      kind: "timeseries",
      unit: "short",
      queries: [
        { expr: "unmask_edge_webhooks_waiting", legend: "waiting" },
        { expr: "unmask_edge_webhooks_failed", legend: "given up" },
      ],
    },
    {
      title: "Oldest webhook",
      description: "How long the oldest delivery has been waiting.",
      kind: "stat",
      unit: "s",
      queries: [{ expr: "unmask_edge_webhook_oldest_seconds", legend: "age" }],
    },
    trouble(
      "Usage that could not be copied",
      "unmask_edge_dead_messages",
      "Rows of dead_messages; the ledgers have charged all the same.",
    ),
    {
      title: "Usage on its way",
      description: "Messages of the queue, where the platform says.",
      kind: "timeseries",
      unit: "short",
      queries: [{ expr: "unmask_edge_usage_backlog", legend: "messages" }],
    },
  ],
};

const backup: Row = {
  title: "Backups",
  panels: [
    {
      title: "Money that no backup has",
      description: "Age of the oldest movement that is not exported: what would be lost now.",
      kind: "timeseries",
      unit: "s",
      queries: [{ expr: "unmask_edge_backup_oldest_change_seconds", legend: "age" }],
      redFrom: 1800,
    },
    {
      title: "Since the last run, and the last copy of the tables",
      description: "Seconds.",
      kind: "timeseries",
      unit: "s",
      queries: [
        { expr: "time() - unmask_edge_backup_last_run_timestamp_seconds", legend: "run" },
        { expr: "time() - unmask_edge_backup_last_tables_timestamp_seconds", legend: "tables" },
      ],
    },
    {
      title: "Ledgers to export",
      description:
        "Those that have moved, beside what failed and what did not agree, of the last day.",
      kind: "timeseries",
      unit: "short",
      queries: [
        { expr: "unmask_edge_backup_accounts_due", legend: "due" },
        { expr: "increase(unmask_edge_backup_failures_total[1d])", legend: "failures" },
        { expr: "increase(unmask_edge_backup_mismatches_total[1d])", legend: "mismatches" },
      ],
    },
  ],
};

const functions: Row = {
  title: "Each function",
  panels: [
    {
      title: "Ready",
      description: "1 while what is sent there is answered.",
      kind: "timeseries",
      unit: "short",
      queries: [{ expr: "unmask_ready", legend: "{{instance}}" }],
    },
    {
      title: "Weights that have arrived",
      description: "Share of the bytes.",
      kind: "timeseries",
      unit: "percentunit",
      queries: [
        {
          expr: "unmask_weights_loaded_bytes / unmask_weights_total_bytes",
          legend: "{{instance}}",
        },
      ],
    },
    {
      title: "Memory",
      description: "Resident memory of the process.",
      kind: "timeseries",
      unit: "bytes",
      queries: [{ expr: "unmask_process_resident_memory_bytes", legend: "{{instance}}" }],
    },
    {
      title: "Time at work",
      description: "From an answer's turn to its end: 95 of 100.",
      kind: "timeseries",
      unit: "s",
      queries: [
        {
          expr: `histogram_quantile(0.95, sum by (le, instance) (rate(unmask_answer_run_seconds_bucket[${RATE}])))`,
          legend: "{{instance}}",
        },
      ],
    },
    {
      title: "Steps",
      description: "Unmasking steps per second.",
      kind: "timeseries",
      unit: "ops",
      queries: [
        { expr: `sum by (instance) (rate(unmask_steps_total[${RATE}]))`, legend: "{{instance}}" },
      ],
    },
    {
      title: "Fetches for the edge",
      description: "Pictures by address, and webhooks, by how they ended.",
      kind: "timeseries",
      unit: "ops",
      queries: [
        {
          expr: `sum by (purpose, outcome) (rate(unmask_fetches_total[${RATE}]))`,
          legend: "{{purpose}} {{outcome}}",
        },
      ],
    },
  ],
};

/** Who keeps it running: can it be asked, is money right, what waits. */
export const operator: DashboardTerms = {
  uid: "unmask-operator",
  title: "Unmask: operator",
  description: "Can it be asked, is money right, what waits. Runbook: infra/docs/runbook.md.",
  rows: [up, work, money, told, backup, functions],
};
