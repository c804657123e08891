import type { ModelCard as ToldCard } from "#wire/function/status.ts";
import { migrate } from "../../storage/migrations.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import type { EndedLoad } from "../policy/loads.ts";
import { fleetMigrations } from "./fleet-schema.ts";
import { type KeptReport, storedCard, storedReport } from "./stored-report.ts";

/** A model's card, and of which weights and provider it is. */
export interface KeptCard {
  readonly digest: string;
  readonly provider: string;
  readonly card: ToldCard;
}

/** A report as it was kept. */
export interface ReportRow {
  readonly report: KeptReport;
  /** Milliseconds since 1970. */
  readonly keptAt: number;
}

/** Loads that are read again: as many as are remembered in memory, of all kinds. */
const MAX_LOADS = 512;

/** What of the functions of a model in a region outlives its object's instance. */
export class FleetRows {
  readonly #store: SqlStore;

  constructor(store: SqlStore) {
    this.#store = store;
    migrate(store, "a fleet", fleetMigrations);
  }

  reports(): readonly ReportRow[] {
    return this.#store
      .all<{ report: string; kept_at: number }>("SELECT report, kept_at FROM instances")
      .map(({ report, kept_at }) => ({ report: storedReport.read(report), keptAt: kept_at }));
  }

  keepReport(report: KeptReport, now: number): void {
    this.#store.all(
      `INSERT INTO instances (url, instance, report, kept_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (url, instance) DO UPDATE SET report = excluded.report, kept_at = excluded.kept_at`,
      [report.url, report.instance, storedReport.write(report), now],
    );
  }

  forgetReport({ url, instance }: Pick<KeptReport, "url" | "instance">): void {
    this.#store.all("DELETE FROM instances WHERE url = ? AND instance = ?", [url, instance]);
  }

  loads(): readonly EndedLoad[] {
    return this.#store
      .all<{ provider: string; digest: string; took_ms: number }>(
        "SELECT provider, digest, took_ms FROM loads ORDER BY at",
      )
      .map(({ provider, digest, took_ms }) => ({ provider, digest, tookMs: took_ms }));
  }

  keepLoad({ provider, digest, tookMs }: EndedLoad): void {
    this.#store.all("INSERT INTO loads (provider, digest, took_ms) VALUES (?, ?, ?)", [
      provider,
      digest,
      Math.round(tookMs),
    ]);
    this.#store.all(
      "DELETE FROM loads WHERE at <= (SELECT at FROM loads ORDER BY at DESC LIMIT 1 OFFSET ?)",
      [MAX_LOADS],
    );
  }

  cards(): readonly KeptCard[] {
    return this.#store
      .all<{ digest: string; provider: string; card: string }>(
        "SELECT digest, provider, card FROM cards",
      )
      .map(({ card, ...of }) => ({ ...of, card: storedCard.read(card) }));
  }

  keepCard({ digest, provider, card }: KeptCard, now: number): void {
    this.#store.all(
      `INSERT INTO cards (digest, provider, card, heard_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (digest, provider) DO UPDATE SET card = excluded.card, heard_at = excluded.heard_at`,
      [digest, provider, storedCard.write(card), now],
    );
  }

  forgetCard({ digest, provider }: Pick<KeptCard, "digest" | "provider">): void {
    this.#store.all("DELETE FROM cards WHERE digest = ? AND provider = ?", [digest, provider]);
  }
}
