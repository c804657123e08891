import { describe, expect, test } from "vitest";
import { createReporter, progressLine, retryTeller } from "#cli/convert/report.ts";
import { rateMeter } from "#weights/progress.ts";

const halfway = { doneBytes: 5e8, totalBytes: 1e9, bytesPerSecond: 1e8, etaSeconds: 5 };
const finished = { ...halfway, doneBytes: 1e9, etaSeconds: 0 };

/** A reporter whose clock and timer are the test's. */
function reporting(columns?: number) {
  const written: string[] = [];
  let nowMs = 0;
  let ring = () => {};
  let everyMs = 0;
  const reporter = createReporter(
    { write: (text) => written.push(text) },
    {
      columns,
      now: () => nowMs,
      every: (milliseconds, call) => {
        everyMs = milliseconds;
        ring = call;
        return () => {
          ring = () => {};
        };
      },
    },
  );
  const pass = (milliseconds: number): void => {
    for (const end = nowMs + milliseconds; nowMs < end; ) {
      nowMs += everyMs;
      ring();
    }
  };
  return { reporter, written, pass };
}

describe("in a log", () => {
  test("progress is a line every two seconds, and one at the end", () => {
    const { reporter, written, pass } = reporting();
    for (let part = 0; part < 100; part++) {
      reporter.progress(halfway, "layer-00");
      if (part % 50 === 49) pass(2000);
    }
    reporter.progress(finished, "head");
    reporter.progress(finished, "head");
    expect(written).toEqual([
      "layer-00   0.50 of 1.00 GB   50 %   100 MB/s   0:05 left\n",
      "head       1.00 of 1.00 GB   100 %   100 MB/s   done\n",
    ]);
  });

  test("what lasts without a word says so every ten seconds", () => {
    const { reporter, written, pass } = reporting();
    reporter.says("looking at org/name@main …");
    pass(8000);
    expect(written).toEqual(["looking at org/name@main …\n"]);
    pass(14_000);
    expect(written.slice(1)).toEqual([
      "looking at org/name@main …   (for 10 s)\n",
      "looking at org/name@main …   (for 20 s)\n",
    ]);
  });
});

describe("on a terminal", () => {
  test("progress is one line that is written over, no wider than the terminal, and ended at the end", () => {
    const { reporter, written, pass } = reporting(40);
    reporter.progress(halfway, "layer-00");
    pass(200);
    reporter.progress(halfway, "layer-00");
    expect(written).toEqual(["\r\u001b[Klayer-00   0.50 of 1.00 GB   50 %   100"]);
    reporter.says("the hub answered 503; trying again in 1 s");
    expect(written.slice(1)).toEqual(["\r\u001b[K", "the hub answered 503; trying again in 1 s\n"]);
    reporter.progress(finished, "head");
    expect(written.at(-1)).toBe("\n");
  });

  test("a line that stands still says for how long after two seconds", () => {
    const { reporter, written, pass } = reporting(80);
    pass(200);
    reporter.progress(halfway, "layer-00");
    pass(1800);
    expect(written).toHaveLength(1);
    pass(1200);
    expect(written.at(-1)).toMatch(/Klayer-00 .* left {3}\(for 3 s\)$/);
  });

  test("its line is ended when the program ends", () => {
    const { reporter, written, pass } = reporting(80);
    pass(200);
    reporter.progress(halfway, "layer-00");
    reporter[Symbol.dispose]();
    expect(written.at(-1)).toBe("\n");
    pass(60_000);
    expect(written.at(-1)).toBe("\n");
  });
});

test("parts that meet the same fault side by side tell of it once", () => {
  const told: string[] = [];
  let nowMs = 0;
  const tell = retryTeller(
    (text) => told.push(text),
    () => nowMs,
  );
  for (let part = 0; part < 8; part++) tell(new Error("the storage answered 503"), 900);
  tell(new Error("another answered 503"), 2000);
  nowMs = 5000;
  tell(new Error("another answered 503"), 2000);
  expect(told).toEqual([
    "the storage answered 503; trying again in 1 s",
    "another answered 503; trying again in 2 s",
    "another answered 503; trying again in 2 s",
  ]);
});

test("what was done before says nothing of the rate", () => {
  let nowMs = 0;
  const meter = rateMeter(1e9, () => nowMs);
  meter(8e8, 8e8);
  nowMs = 1000;
  expect(meter(8.1e8, 8e8)).toMatchObject({ bytesPerSecond: 1e7, etaSeconds: 19 });
});

test("hours are told as hours", () => {
  expect(progressLine({ ...halfway, etaSeconds: 7384.2 })).toMatch(/2:03:05 left$/);
});
