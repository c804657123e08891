import { runBackup } from "./backup/run-backup.ts";
import type { Bindings } from "./env.ts";
import { logFault } from "./log.ts";
import { settingsOf } from "./settings.ts";
import { forgetCounts } from "./usage/forget-counts.ts";

/** Between two triggers: `crons` of wrangler.toml. */
const TRIGGER_MINUTES = 5;

/** What is done from time to time, each whatever becomes of the others. Rejects where one of them came to nothing, so that the platform counts it. */
const jobs: Readonly<Record<string, (bindings: Bindings, at: Date) => Promise<unknown>>> = {
  erased: async ({ DB }) =>
    await DB.prepare("DELETE FROM erased WHERE forget_at <= ?").bind(Date.now()).run(),
  backup: async (bindings) =>
    await runBackup(bindings, {
      now: Date.now,
      days: settingsOf(bindings).backupDays,
      isAsked: false,
    }),
  // Each look reads the tables through: once an hour is often enough for what is kept for a quarter.
  counts: async ({ DB }, at) => {
    if (at.getUTCMinutes() < TRIGGER_MINUTES) await forgetCounts(DB, at.getTime());
  },
};

/** Runs every job, when the cron triggers of wrangler.toml say so. */
export async function runScheduled(
  { scheduledTime }: Pick<ScheduledController, "scheduledTime">,
  bindings: Bindings,
): Promise<void> {
  const at = new Date(scheduledTime);
  const outcomes = await Promise.allSettled(
    Object.entries(jobs).map(async ([name, job]) => {
      try {
        await job(bindings, at);
      } catch (cause) {
        logFault("a scheduled job broke off and runs again with the next trigger", name, cause);
        throw cause;
      }
    }),
  );
  const failed = outcomes.filter(({ status }) => status === "rejected").length;
  if (failed > 0) throw new Error(`${failed} of ${outcomes.length} scheduled jobs broke off`);
}
