import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareModel } from "#cli/models/prepare.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { answer } from "#model/answer.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { options } from "../../support/edge-builders.ts";
import { standInRepositories } from "../../support/serve-hub.ts";
import { type StandInHub, startStandInHub } from "../../support/stand-in-hub.ts";

const CASE = "test/fixtures/reference/cases/p08_chat_prompt_one_image";

let hub: StandInHub;
let models: string;
beforeAll(async () => {
  hub = await startStandInHub(standInRepositories());
  models = await mkdtemp(path.join(tmpdir(), "unmask-answer-"));
});
afterAll(async () => {
  await hub.close();
  await rm(models, { recursive: true });
});

test("from a hub's id to an answer: token for token the reference's", async () => {
  const { store, name, version } = await prepareModel({
    ...{ source: "GSAI-ML/LLaDA-V", cwd: models, models, provider: "cpu" },
    format: { format: "f32" },
    machine: { memoryBytes: 64e9, freeBytes: async () => 1e12 },
    signal: new AbortController().signal,
    onProgress: () => undefined,
    env: { HF_ENDPOINT: hub.origin },
  });
  const host = createModelHost({
    ...{ model: name, provider: "cpu", threads: 1, resize: resizeBicubic, log: () => undefined },
    open: (signal) => openModel({ store, model: name, version, signal }),
  });
  try {
    const forever = new AbortController().signal;
    const { tools } = await host.described(forever);
    const pictures = await decodeImages([await readFile(`${CASE}/image0.png`)]);
    if (!pictures.ok) throw new Error("the picture cannot be read");
    const question = {
      messages: [{ role: "user", text: "Please describe this image." } as const],
      pictures: pictures.value,
      options: options({ canvas: 16, steps: 16, blockLength: 16, mode: "exact", detail: "auto" }),
    };
    const tokens: number[] = [];
    for await (const event of answer(question, tools, forever))
      if (event.kind === "answer.frame")
        for (const { position, token } of event.revealed) tokens[position] = token;
    const { runs } = JSON.parse(await readFile(`${CASE}/case.json`, "utf8"));
    expect(tokens).toEqual(runs[0].output);
  } finally {
    await host.dispose();
  }
});
