/**
 * Every metric of the edge. Money is micro-dollars, as everywhere; sums of money are gauges where refunds and returned payments can
 * lower them. The table of infra/docs/operations.md is written from this, and dashboards and rules are checked against it.
 */
export const edgeMetrics = {
  unmask_edge_accounts: {
    type: "gauge",
    help: "Accounts whose ledger has said where it stands.",
    labels: [],
  },
  unmask_edge_credit_available_micros: {
    type: "gauge",
    help: "Credit that may be spent, all accounts.",
    labels: [],
  },
  unmask_edge_credit_held_micros: {
    type: "gauge",
    help: "Credit set aside for answers in the making, all accounts.",
    labels: [],
  },
  unmask_edge_credit_captured_micros: {
    type: "gauge",
    help: "Charges less refunds, all accounts, as their ledgers say.",
    labels: [],
  },
  unmask_edge_credit_issued_micros: {
    type: "gauge",
    help: "Credit granted less withdrawn, all accounts.",
    labels: [],
  },
  unmask_edge_credit_owed_micros: {
    type: "gauge",
    help: "Returned payments that were spent before, all accounts.",
    labels: [],
  },
  unmask_edge_ledgers_unbalanced: {
    type: "gauge",
    help: "Accounts whose books disagree with themselves. Anything but 0 is a broken ledger.",
    labels: [],
  },
  unmask_edge_ledger_off_by_micros: {
    type: "gauge",
    help: "By how much the books of an account disagree.",
    labels: ["account"],
  },
  unmask_edge_holds_open: {
    type: "gauge",
    help: "Holds of answers in the making, all accounts.",
    labels: [],
  },
  unmask_edge_hold_oldest_seconds: {
    type: "gauge",
    help: "Age of the oldest open hold; 0 where there is none.",
    labels: [],
  },
  unmask_edge_holds_overdue: {
    type: "gauge",
    help: "Accounts with a hold that should have been renewed or given back five minutes ago.",
    labels: [],
  },
  unmask_edge_accounts_near_zero: {
    type: "gauge",
    help: "Accounts whose credit is gone within 24 hours at the rate of the last day.",
    labels: [],
  },
  unmask_edge_account_zero_seconds: {
    type: "gauge",
    help: "Seconds until the credit of an account is gone at the rate of the last day, of those within 24 hours the soonest.",
    labels: ["account"],
  },
  unmask_edge_charges_total: {
    type: "counter",
    help: "Charges copied from the ledgers.",
    labels: ["model"],
  },
  unmask_edge_charged_micros_total: {
    type: "counter",
    help: "What was charged.",
    labels: ["model"],
  },
  unmask_edge_refunded_micros_total: {
    type: "counter",
    help: "What was given back of charges.",
    labels: ["model"],
  },
  unmask_edge_steps_total: {
    type: "counter",
    help: "Unmasking steps that were charged.",
    labels: ["model"],
  },
  unmask_edge_answers_total: {
    type: "counter",
    help: "Answers by how they ended.",
    labels: ["model", "outcome"],
  },
  unmask_edge_answer_seconds_total: {
    type: "counter",
    help: "Seconds from the question to the end, all answers that ended so.",
    labels: ["model", "outcome"],
  },
  unmask_edge_fields_total: {
    type: "counter",
    help: "Fields of answers, by type and how they came out: read, none, abstained, truncated, unfinished.",
    labels: ["model", "type", "outcome"],
  },
  unmask_edge_refusals_total: {
    type: "counter",
    help: "Requests with a valid key that were refused.",
    labels: ["code"],
  },
  unmask_edge_replays_total: {
    type: "counter",
    help: "Replays by how they came out: equal, different, not_comparable.",
    labels: ["outcome"],
  },
  unmask_edge_webhooks_waiting: {
    type: "gauge",
    help: "Webhook deliveries that could not be made at once and wait.",
    labels: [],
  },
  unmask_edge_webhook_oldest_seconds: {
    type: "gauge",
    help: "Age of the oldest of them; 0 where none waits.",
    labels: [],
  },
  unmask_edge_webhooks_failed: {
    type: "gauge",
    help: "Webhook deliveries that were given up and are still kept.",
    labels: [],
  },
  unmask_edge_dead_messages: {
    type: "gauge",
    help: "Messages of the usage queue that no delivery could copy.",
    labels: [],
  },
  unmask_edge_usage_backlog: {
    type: "gauge",
    help: "Messages of the usage queue that wait, where the platform says.",
    labels: [],
  },
  unmask_edge_payment_events_open: {
    type: "gauge",
    help: "Events of payments that no ledger has heard of yet.",
    labels: [],
  },
  unmask_edge_backup_accounts_due: {
    type: "gauge",
    help: "Ledgers that have moved since they were exported.",
    labels: [],
  },
  unmask_edge_backup_oldest_change_seconds: {
    type: "gauge",
    help: "Age of the oldest movement that no export has; 0 where all have been.",
    labels: [],
  },
  unmask_edge_backup_last_run_timestamp_seconds: {
    type: "gauge",
    help: "When a backup ran last, in seconds since 1970; 0 before the first.",
    labels: [],
  },
  unmask_edge_backup_last_tables_timestamp_seconds: {
    type: "gauge",
    help: "When the tables were last copied whole, in seconds since 1970; 0 before the first.",
    labels: [],
  },
  unmask_edge_backup_mismatches_total: {
    type: "counter",
    help: "Ledgers that said otherwise than their lines, and objects that were not as they were written.",
    labels: [],
  },
  unmask_edge_backup_failures_total: {
    type: "counter",
    help: "Runs and exports that came to nothing.",
    labels: [],
  },
  unmask_edge_functions: {
    type: "gauge",
    help: "Functions by model and state.",
    labels: ["model", "state"],
  },
  unmask_edge_model_eta_seconds: {
    type: "gauge",
    help: "Seconds until a model that no function serves now can be asked, where its function says.",
    labels: ["model"],
  },
  unmask_edge_answers_running: {
    type: "gauge",
    help: "Answers that the functions make now.",
    labels: ["model"],
  },
  unmask_edge_answers_waiting: {
    type: "gauge",
    help: "Answers that wait at the functions.",
    labels: ["model"],
  },
  unmask_edge_places: {
    type: "gauge",
    help: "Answers that the functions make at once at most.",
    labels: ["model"],
  },
  unmask_edge_queue_steps: {
    type: "gauge",
    help: "Unmasking steps that the functions have still to take.",
    labels: ["model"],
  },
} as const;

export type EdgeMetric = keyof typeof edgeMetrics;
