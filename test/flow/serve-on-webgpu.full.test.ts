import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { asReferenceAsked, postForm, referenceDigest } from "../support/reference-question.ts";
import { standInRepositories } from "../support/serve-hub.ts";
import { describeOnVulkan, softwareVulkan } from "../support/software-vulkan.ts";
import { type StandInHub, startStandInHub } from "../support/stand-in-hub.ts";

describeOnVulkan("npm start -- --model GSAI-ML/LLaDA-V --provider webgpu", () => {
  let hub: StandInHub;
  let system: LocalSystem;
  let models: string;
  const said: string[] = [];

  beforeAll(async () => {
    hub = await startStandInHub(standInRepositories());
    models = mkdtempSync(path.join(tmpdir(), "unmask-models-"));
    system = await startLocalSystem("programs", {
      args: ["--model", "GSAI-ML/LLaDA-V", "--provider", "webgpu", "--format", "f32"],
      env: { ...softwareVulkan?.environment, HF_ENDPOINT: hub.origin, UNMASK_MODELS: models },
      onSaid: (line) => said.push(line),
    });
  }, 300_000);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await hub.close();
    rmSync(models, { recursive: true, maxRetries: 5 });
  });

  test("asked as the reference was, it answers the reference's tokens", {
    timeout: 120_000,
  }, async () => {
    const answer = (await (await postForm(system, "answers", asReferenceAsked)).json()) as {
      readonly digest: string;
      readonly model_digest: string;
    };
    expect(answer).toMatchObject({ status: "completed", model: "llada-v" });
    expect(answer.digest).toBe(await referenceDigest(answer.model_digest));
    expect(said.join("\n")).toContain("ready: llada-v on webgpu");
  });
});
