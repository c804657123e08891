import { runBackup } from "./backup/run-backup.ts";
import type { Bindings } from "./env.ts";
import { logFault } from "./log.ts";
import { settingsOf } from "./settings.ts";

/** What is done from time to time, each whatever becomes of the others. Rejects where one of them came to nothing, so that the platform counts it. */
const jobs: Readonly<Record<string, (bindings: Bindings) => Promise<unknown>>> = {
  backup: async (bindings) =>
    await runBackup(bindings, {
      now: Date.now,
      days: settingsOf(bindings).backupDays,
      isAsked: false,
    }),
};

/** Runs every job, when the cron triggers of wrangler.toml say so. */
export async function runScheduled(_: ScheduledController, bindings: Bindings): Promise<void> {
  const outcomes = await Promise.allSettled(
    Object.entries(jobs).map(async ([name, job]) => {
      try {
        await job(bindings);
      } catch (cause) {
        logFault("a scheduled job broke off and runs again with the next trigger", name, cause);
        throw cause;
      }
    }),
  );
  const failed = outcomes.filter(({ status }) => status === "rejected").length;
  if (failed > 0) throw new Error(`${failed} of ${outcomes.length} scheduled jobs broke off`);
}
