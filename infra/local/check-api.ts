import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeApi } from "../site/describe-api.ts";

const OPENAPI_TYPESCRIPT = "infra/openapi/node_modules/.bin/openapi-typescript";

/** Runs a tool to its end; rejects where it fails. */
export type Command = (name: string, args: readonly string[], advice: string) => Promise<string>;

/** Holds both of the API's descriptions to what readers of OpenAPI expect, and makes types of them that compile. */
export async function checkApi(command: Command): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-api-"));
  try {
    const descriptions = await describeApi("https://unmask.test");
    const advice = "mend the schemas and routes that the description is made from";
    for (const [name, description] of Object.entries(descriptions)) {
      const file = path.join(folder, name);
      const types = file.replace(/json$/, "ts");
      await writeFile(file, JSON.stringify(description, null, 2));
      await command("redocly", ["lint", "--config", "infra/openapi/redocly.yaml", file], advice);
      await command(OPENAPI_TYPESCRIPT, [file, "--output", types], advice);
      const strict = ["--noEmit", "--ignoreConfig", "--strict", "--lib", "esnext", "--types", ""];
      await command("tsc", [...strict, types], advice);
    }
    return `${Object.keys(descriptions).join(" and ")} are sound and make types that compile`;
  } finally {
    await rm(folder, { recursive: true });
  }
}
