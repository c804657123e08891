import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { readLocalAccess } from "../../infra/local/local-key.ts";
import { storageSecrets } from "../../infra/local/state.ts";

const folder = mkdtempSync(path.join(tmpdir(), "state-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string): string => path.join(folder, name);

test.each(["{", "null", ""])(
  "a state folder with a file that holds %j is told by the file's name, and what to remove",
  (text) => {
    for (const name of ["storage.json", "local.json"]) writeFileSync(file(name), text);
    const state = { folder, file, [Symbol.dispose]: () => undefined };
    expect(() => storageSecrets(state)).toThrow(
      `${file("storage.json")} is damaged: remove ${folder}, and "npm start" makes it anew`,
    );
    expect(() => readLocalAccess(file("local.json"))).toThrow(
      `${file("local.json")} is damaged: remove it, and "npm start" makes it anew`,
    );
  },
);
