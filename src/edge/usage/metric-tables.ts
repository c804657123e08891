import type {
  BacklogEvent,
  MetricEvent,
  ReplayEvent,
  StandingEvent,
} from "#wire/telemetry/metric-event.ts";

/** How far two of the marks lie apart that the rate of spending is told from: what is spent by day only shows by night too. */
const MARK_EVERY_MS = 12 * 3_600_000;

/** A rate is told from no less than this: an account that has just begun would be said to end within the minute. */
const MIN_WINDOW_MS = 3_600_000;

/** Later than any moment that is told: what would be beyond is never. */
const NEVER_MS = 8_640_000_000_000_000;

/** What the ledgers, the webhook objects and the replays tell for the metrics, in D1. Triggers keep the totals. */
export class MetricTables {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** Statements that copy what was told; what is older than what stands there changes nothing. */
  copies(events: readonly MetricEvent[]): readonly D1PreparedStatement[] {
    return events.map((event) => {
      switch (event.kind) {
        case "standing":
          return this.#standing(event);
        case "backlog":
          return this.#backlog(event);
        case "replay":
          return this.#replay(event);
        default:
          return event satisfies never;
      }
    });
  }

  /**
   * Keeps where an account stands. Where the newer mark is half a day old it becomes the older one, so that the rate is
   * always told from the last 12 to 24 hours, and from as much as there is of the first.
   */
  #standing(event: StandingEvent): D1PreparedStatement {
    const isOld = `excluded.at - s.mid_at >= ${MARK_EVERY_MS}`;
    const base = (column: "at" | "revenue"): string =>
      `iif(${isOld}, s.mid_${column}, s.base_${column})`;
    const spent = `(excluded.revenue - ${base("revenue")})`;
    const window = `max(excluded.at - ${base("at")}, ${MIN_WINDOW_MS})`;
    return this.#db
      .prepare(
        `INSERT INTO account_standings AS s (account_id, at, available, held, revenue, issuer, owed, off_by,
           open_holds, oldest_hold_at, hold_expires_at, mid_at, mid_revenue, base_at, base_revenue, zero_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?2, ?5, ?2, ?5, NULL)
         ON CONFLICT (account_id) DO UPDATE SET at = excluded.at, available = excluded.available,
           held = excluded.held, revenue = excluded.revenue, issuer = excluded.issuer, owed = excluded.owed,
           off_by = excluded.off_by, open_holds = excluded.open_holds,
           oldest_hold_at = excluded.oldest_hold_at, hold_expires_at = excluded.hold_expires_at,
           mid_at = iif(${isOld}, excluded.at, s.mid_at),
           mid_revenue = iif(${isOld}, excluded.revenue, s.mid_revenue),
           base_at = ${base("at")}, base_revenue = ${base("revenue")},
           zero_at = iif(${spent} > 0, CAST(min(${NEVER_MS},
             excluded.at + 1.0 * excluded.available * ${window} / ${spent}) AS INTEGER), NULL)
         WHERE excluded.at > s.at`,
      )
      .bind(
        ...[event.account, event.at, event.available, event.held, event.revenue, event.issuer],
        ...[event.owed, event.off_by, event.open_holds],
        ...[event.oldest_hold_at, event.hold_expires_at],
      );
  }

  #backlog({ account, at, waiting, failed, oldest_at }: BacklogEvent): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT INTO webhook_backlogs AS b (account_id, at, waiting, failed, oldest_at)
         VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (account_id) DO UPDATE SET at = excluded.at, waiting = excluded.waiting,
           failed = excluded.failed, oldest_at = excluded.oldest_at
         WHERE excluded.at > b.at`,
      )
      .bind(account, at, waiting, failed, oldest_at);
  }

  #replay({ id, replay_of, account, model, outcome, at }: ReplayEvent): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT INTO replays (id, replay_of, account_id, model, outcome, at) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO NOTHING`,
      )
      .bind(id, replay_of, account, model, outcome, at);
  }
}
