import { type FunctionReport, type FunctionState, LOST_AFTER_MS } from "./policy/fleet.ts";
import type { KeptReport } from "./storage/stored-report.ts";

/** An instance of a function, as it was heard last. Times are milliseconds since 1970. */
export interface Instance {
  readonly report: KeptReport;
  readonly heardAt: number;
  readonly keptAt: number;
  /** Since when it has been loading, if it does. */
  readonly loadingSince: number;
}

/** From where and when instances are looked at. */
export interface ReportTerms {
  readonly region: string;
  readonly now: number;
  /** Since when somebody wakes their address; null: nobody does. */
  readonly wokenAt: number | null;
}

/**
 * What all instances behind one address are together: a balancer spreads what comes, so their places add up, and an answer waits
 * for one instance's share of the work. Where some have their weights and others load them, those count that have. Instances of
 * different weights under one address cannot be told apart by who sends: the weights of most are said, and no class of arithmetic.
 * @param instances at least one
 */
export function reportOf(
  instances: readonly Instance[],
  { region, now, wokenAt }: ReportTerms,
): FunctionReport {
  const alive = instances.filter(({ heardAt }) => now - heardAt <= LOST_AFTER_MS);
  const working = ["warm", "loading", "draining", "failed"]
    .map((state) => alive.filter(({ report }) => report.state === state))
    .find((some) => some.length > 0);
  const last = instances.reduce((one, other) => (other.heardAt > one.heardAt ? other : one));
  const isWorking = working?.some(
    ({ report: { state } }) => state === "warm" || state === "loading",
  );
  const sleeps = last.report.sleeps && isWorking !== true;
  const counted = sleeps || working === undefined ? [last] : working;
  const reports = counted.map(({ report }) => report);
  const sum = (of: (report: KeptReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  const paces = reports.flatMap(({ ms_per_step: pace }) => pace ?? []);
  const { url, model, provider } = last.report;
  return {
    ...{ url, region, provider, model },
    digest: commonest(reports.map(({ digest }) => digest)),
    numerics: onlyOne(reports.map(({ numerics }) => numerics)),
    state: sleeps
      ? { kind: "asleep", ...(wokenAt === null ? {} : { wokenAt }) }
      : stateOf(counted, last, now),
    load: {
      queuedSteps: Math.round(sum(({ queued_steps: steps }) => steps) / reports.length),
      msPerStep: paces.length === 0 ? null : paces.reduce((a, b) => a + b, 0) / paces.length,
      running: sum(({ running }) => running),
      waiting: sum(({ waiting }) => waiting),
      places: sum(({ places }) => places),
      queueLength: sum(({ queue_length: length }) => length),
    },
    heardAt: Math.max(...counted.map(({ heardAt }) => heardAt)),
  };
}

/** Of several that load the first to be there counts. */
function stateOf(counted: readonly Instance[], last: Instance, now: number): FunctionState {
  const { state } = counted[0]?.report ?? last.report;
  if (state !== "loading") return { kind: state };
  const etas = counted.flatMap(({ report: { eta_seconds: eta }, heardAt }) =>
    eta === null ? [] : Math.max(0, eta * 1000 - (now - heardAt)),
  );
  return {
    kind: "loading",
    etaMs: etas.length === 0 ? null : Math.min(...etas),
    since: Math.min(...counted.map(({ loadingSince }) => loadingSince)),
  };
}

function commonest<Value>(values: readonly (Value | null)[]): Value | null {
  const groups = [...Map.groupBy(values, (value) => value)];
  const [most] = groups.toSorted(([, one], [, other]) => other.length - one.length);
  return most?.[0] ?? null;
}

function onlyOne<Value>(values: readonly (Value | null)[]): Value | null {
  const [first = null] = values;
  return values.every((value) => value === first) ? first : null;
}
