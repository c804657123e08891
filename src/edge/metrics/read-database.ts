import type { EdgeMetric } from "./catalog.ts";
import type { Sample } from "./exposition.ts";

/**
 * What a scrape may cost, however many accounts there are: one call of D1, of which each statement reads a row, or at the most as
 * many as these say. Beyond them a count stands still at its limit, which is an alarm all the same.
 */
export const SCRAPE_LIMITS = {
  /** Threat: a scrape that reads a table. What is counted one by one should be few; ten thousand index rows are milliseconds. */
  counted: 10_000,
  /** Threat: a time series for every account. Twenty are what a person acts on. */
  accountsNamed: 20,
  /** Threat: a time series for each name that was ever a model's or a code. Codes are some fifty. */
  series: 200,
  /** The same of fields: each model has a series for each type and outcome, 50 in all. */
  fieldSeries: 1_000,
} as const;

/** A hold that should have been renewed or given back is nobody's fault for so long: alarms of objects are late now and then. */
export const HOLD_GRACE_MS = 300_000;

const DAY_MS = 86_400_000;

type EdgeSample = Sample<EdgeMetric>;

/** A statement, and how its rows read. */
interface Reading {
  readonly query: string;
  readonly bindings?: readonly number[];
  readonly samples: (rows: readonly Row[]) => readonly EdgeSample[];
}

type Row = Readonly<Record<string, string | number | null>>;

/** Reads everything that D1 knows of, in one call. `now` in milliseconds since 1970. */
export async function readDatabase(db: D1Database, now: number): Promise<readonly EdgeSample[]> {
  const readings = [...moneyReadings(now), ...workReadings, ...troubleReadings(now)];
  const results = await db.batch<Row>(
    readings.map(({ query, bindings = [] }) => db.prepare(query).bind(...bindings)),
  );
  return readings.flatMap(({ samples }, index) => samples(results[index]?.results ?? []));
}

function moneyReadings(now: number): readonly Reading[] {
  const soon = [now, now + DAY_MS] as const;
  return [
    {
      query: "SELECT *, -issuer AS issued FROM standing_totals",
      samples: columns({
        accounts: "unmask_edge_accounts",
        available: "unmask_edge_credit_available_micros",
        held: "unmask_edge_credit_held_micros",
        revenue: "unmask_edge_credit_captured_micros",
        issued: "unmask_edge_credit_issued_micros",
        owed: "unmask_edge_credit_owed_micros",
        open_holds: "unmask_edge_holds_open",
      }),
    },
    counting("account_standings WHERE off_by <> 0", "unmask_edge_ledgers_unbalanced"),
    {
      query: `SELECT account_id, off_by FROM account_standings WHERE off_by <> 0 LIMIT ${SCRAPE_LIMITS.accountsNamed}`,
      samples: series(["account_id"], { off_by: "unmask_edge_ledger_off_by_micros" }),
    },
    {
      query: `SELECT coalesce((?1 - min(oldest_hold_at)) / 1000.0, 0) AS age FROM account_standings
         WHERE oldest_hold_at IS NOT NULL`,
      bindings: [now],
      samples: columns({ age: "unmask_edge_hold_oldest_seconds" }),
    },
    counting("account_standings WHERE hold_expires_at < ?1", "unmask_edge_holds_overdue", [
      now - HOLD_GRACE_MS,
    ]),
    counting(
      "account_standings WHERE zero_at BETWEEN ?1 AND ?2",
      "unmask_edge_accounts_near_zero",
      soon,
    ),
    {
      query: `SELECT account_id, (zero_at - ?1) / 1000 AS seconds FROM account_standings
         WHERE zero_at BETWEEN ?1 AND ?2 ORDER BY zero_at LIMIT ${SCRAPE_LIMITS.accountsNamed}`,
      bindings: soon,
      samples: series(["account_id"], { seconds: "unmask_edge_account_zero_seconds" }),
    },
  ];
}

const workReadings: readonly Reading[] = [
  {
    query: `SELECT * FROM model_totals LIMIT ${SCRAPE_LIMITS.series}`,
    samples: series(["model"], {
      charges: "unmask_edge_charges_total",
      charged_micros: "unmask_edge_charged_micros_total",
      refunded_micros: "unmask_edge_refunded_micros_total",
      steps: "unmask_edge_steps_total",
    }),
  },
  {
    query: `SELECT *, milliseconds / 1000.0 AS seconds FROM answer_totals LIMIT ${SCRAPE_LIMITS.series}`,
    samples: series(["model", "outcome"], {
      answers: "unmask_edge_answers_total",
      seconds: "unmask_edge_answer_seconds_total",
    }),
  },
  {
    query: `SELECT * FROM field_totals LIMIT ${SCRAPE_LIMITS.fieldSeries}`,
    samples: series(["model", "type", "outcome"], { fields: "unmask_edge_fields_total" }),
  },
  {
    query: `SELECT * FROM refusal_totals LIMIT ${SCRAPE_LIMITS.series}`,
    samples: series(["code"], { refusals: "unmask_edge_refusals_total" }),
  },
  {
    // All three, so that the first that differs is a rise from 0, which a rate sees.
    query: `SELECT o.outcome, coalesce(t.replays, 0) AS replays
       FROM (SELECT 'equal' AS outcome UNION SELECT 'different' UNION SELECT 'not_comparable') AS o
       LEFT JOIN replay_totals AS t ON t.outcome = o.outcome`,
    samples: series(["outcome"], { replays: "unmask_edge_replays_total" }),
  },
];

function troubleReadings(now: number): readonly Reading[] {
  return [
    {
      query: "SELECT waiting, failed FROM backlog_totals",
      samples: columns({
        waiting: "unmask_edge_webhooks_waiting",
        failed: "unmask_edge_webhooks_failed",
      }),
    },
    {
      query: `SELECT coalesce((?1 - min(oldest_at)) / 1000.0, 0) AS age FROM webhook_backlogs
         WHERE oldest_at IS NOT NULL`,
      bindings: [now],
      samples: columns({ age: "unmask_edge_webhook_oldest_seconds" }),
    },
    counting("dead_messages", "unmask_edge_dead_messages"),
    counting("payment_events WHERE state <> 'applied'", "unmask_edge_payment_events_open"),
  ];
}

/** Counts rows, as far as a scrape may. */
function counting(from: string, name: EdgeMetric, bindings: readonly number[] = []): Reading {
  return {
    query: `SELECT count(*) AS count FROM (SELECT 1 FROM ${from} LIMIT ${SCRAPE_LIMITS.counted})`,
    bindings,
    samples: columns({ count: name }),
  };
}

/** Reads a single row, of which each column is a metric without labels. */
function columns(metrics: Readonly<Record<string, EdgeMetric>>): Reading["samples"] {
  return series([], metrics);
}

/** Reads rows, of which each has the labels of its metrics. */
function series(
  labels: readonly string[],
  metrics: Readonly<Record<string, EdgeMetric>>,
): Reading["samples"] {
  return (rows) =>
    rows.flatMap((row) =>
      Object.entries(metrics).map(([column, name]) => ({
        name,
        labels: labels.map((label) => String(row[label])),
        value: Number(row[column] ?? 0),
      })),
    );
}
