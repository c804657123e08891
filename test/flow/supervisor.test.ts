import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  MAX_RESTARTS,
  RESTART_WINDOW_MS,
  type SupervisedProcess,
  supervise,
} from "../../infra/local/functions/supervisor.ts";
import { startProcess } from "../../infra/local/processes.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "unmask-supervisor-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Stays until it is asked to end. */
const STAYS = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000);";
const crashes = (signal: string): string =>
  `console.error('at work'); process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`;

let supervised: SupervisedProcess | undefined;
afterEach(async () => {
  await supervised?.stop(5_000);
  supervised = undefined;
});

/** A function double: lives these lives one after another, the last one for ever. Pauses are counted, not waited for. */
function living(...lives: readonly string[]) {
  const said: string[] = [];
  const pauses: number[] = [];
  const clock = { now: 0 };
  const complaint = vi.fn<() => Promise<string | undefined>>(async () => undefined);
  let starts = 0;
  const logFile = path.join(folder, `${crypto.randomUUID()}.log`);
  supervised = supervise({
    start: (isAnew) => {
      const script = lives[Math.min(starts, lives.length - 1)] ?? "";
      starts += 1;
      return startProcess("double", [process.execPath, "-e", script], { logFile, isAnew, env: {} });
    },
    complaint,
    say: (words) => said.push(words),
    now: () => clock.now,
    pause: async (milliseconds, signal) => {
      pauses.push(milliseconds);
      await sleep(10, undefined, { signal }).catch(() => undefined);
    },
  });
  return { process: supervised, said, pauses, clock, complaint, logFile, starts: () => starts };
}

describe("a function of the local system", () => {
  test("that crashes is named with signal and log, and started anew; its log has both lives", async () => {
    const { said, logFile, starts } = living(crashes("SIGABRT"), `console.error('again');${STAYS}`);
    await vi.waitFor(() => expect(readFileSync(logFile, "utf8")).toContain("again"), 10_000);
    expect(readFileSync(logFile, "utf8")).toMatch(/at work\nagain/);
    expect(said).toEqual([`double crashed (SIGABRT) (see ${logFile}); it is started anew in 1 s`]);
    expect(starts()).toBe(2);
  });

  test("that is killed is not said to have crashed", async () => {
    const { said } = living(crashes("SIGKILL"), STAYS);
    await vi.waitFor(
      () => expect(said[0]).toMatch(/was killed \(SIGKILL\).*want of memory/),
      10_000,
    );
  });

  test("that does not stay up is given up after five starts anew, with pauses that double", async () => {
    const { process, pauses, starts } = living(crashes("SIGSEGV"));
    expect(await process.ended).toBe(
      "crashed (SIGSEGV), after it was started anew 5 times within 10 minutes",
    );
    expect([starts(), pauses]).toEqual([MAX_RESTARTS + 1, [1_000, 2_000, 4_000, 8_000, 16_000]]);
  }, 30_000);

  test("that crashed long ago has its starts anew again", async () => {
    const lives = Array.from({ length: MAX_RESTARTS + 1 }, () => crashes("SIGSEGV"));
    const { clock, pauses, starts } = living(...lives, STAYS);
    const timer = setInterval(() => (clock.now += RESTART_WINDOW_MS + 1), 5);
    try {
      await vi.waitFor(() => expect(starts()).toBe(MAX_RESTARTS + 2), 20_000);
    } finally {
      clearInterval(timer);
    }
    expect(new Set(pauses)).toEqual(new Set([1_000]));
  }, 30_000);

  test("that ends with 75 is started anew, with 78 it cannot run here and its last words say why, and else it has ended", async () => {
    const { starts } = living("process.exit(75)", STAYS);
    await vi.waitFor(() => expect(starts()).toBe(2), 10_000);
    await supervised?.stop(5_000);
    const cannot = living("console.error('no_gpu: there is none'); process.exit(78)");
    expect(await cannot.process.ended).toBe("cannot run here: no_gpu: there is none");
    const wrong = living("process.exit(1)");
    expect(await wrong.process.ended).toBe("ended with 1");
    const byHand = living("process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)");
    expect(await byHand.process.ended).toBe("ended by SIGTERM");
    expect([cannot.starts(), wrong.starts(), byHand.starts()]).toEqual([1, 1, 1]);
  }, 20_000);

  test("that says of itself that it is to be replaced is ended and started anew, once it serves", async () => {
    const { process, complaint, said, starts } = living(STAYS);
    complaint.mockResolvedValueOnce("logits_not_finite");
    await sleep(50);
    expect(complaint).not.toHaveBeenCalled();
    process.watch();
    await vi.waitFor(() => expect(starts()).toBe(2), 10_000);
    expect(said[0]).toBe("double asks to be replaced: logits_not_finite");
    expect(said[1]).toMatch(/^double ended to be replaced/);
  });

  test("that is stopped is not started anew, also in the pause before that", async () => {
    const { process, starts, said } = living(crashes("SIGSEGV"));
    await vi.waitFor(() => expect(said).not.toEqual([]), 10_000);
    await process.stop(5_000);
    const before = starts();
    await sleep(100);
    expect(starts()).toBe(before);
  });
});
