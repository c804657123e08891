import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { python } from "./python.ts";

// The small slice of what test:full tries against a running system: it needs Python alone.
test.skipIf(python === undefined)(
  "the Python client keeps its word against a service of its own: streams, retries, errors, webhooks",
  async () => {
    const { stderr } = await promisify(execFile)(
      python ?? "",
      ["-B", "-W", "error::SyntaxWarning", "-m", "unittest", "discover", "-s", "tests"],
      { cwd: "infra/clients/python" },
    );
    expect(stderr).toMatch(/\nOK \(skipped=6\)\n$/);
    expect(Number(/Ran (\d+) tests/.exec(stderr)?.[1])).toBeGreaterThan(20);
  },
);

test.skipIf(python === undefined)("the Python client needs nothing but Python", () => {
  const script =
    "import sys; sys.path.insert(0, 'infra/clients/python/src'); import unmask; print(len(unmask.__all__))";
  const told = execFileSync(python ?? "", ["-B", "-I", "-S", "-c", script], { encoding: "utf8" });
  expect(Number(told)).toBeGreaterThan(10);
});
