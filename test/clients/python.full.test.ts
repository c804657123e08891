import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startLocalSystem } from "../support/local-system.ts";
import { python } from "./python.ts";

const run = promisify(execFile);

test("the Python client asks a running system: files, uploads, streams, tokens of one upload, asyncio", async () => {
  await using system = await startLocalSystem();
  const { stderr } = await run(
    python ?? "",
    ["-B", "-m", "unittest", "discover", "-s", "tests", "-p", "test_system.py"],
    {
      cwd: "infra/clients/python",
      env: {
        ...process.env,
        UNMASK_URL: system.url,
        UNMASK_KEY: system.key,
        UNMASK_PICTURE: path.resolve("test/fixtures/pictures/dog.png"),
      },
    },
  );
  expect(stderr).toMatch(/Ran 6 tests[\s\S]*\nOK\n$/);
}, 300_000);

test("the Python client installs into an empty environment as its README says", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-python-"));
  try {
    await run(python ?? "", ["-m", "venv", folder]);
    const own = path.join(folder, "bin/python");
    await run(own, ["-m", "pip", "install", "--quiet", "./infra/clients/python"]);
    const typed =
      "import unmask, pathlib; print((pathlib.Path(unmask.__file__).parent / 'py.typed').exists())";
    expect((await run(own, ["-c", typed])).stdout).toBe("True\n");
  } finally {
    rmSync(folder, { recursive: true });
    rmSync("infra/clients/python/build", { recursive: true, force: true });
    rmSync("infra/clients/python/src/unmask.egg-info", { recursive: true, force: true });
  }
}, 300_000);
