import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ModelListBody } from "#wire/api/models.ts";
import { descendantsOf } from "../support/linux-processes.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";
import { asReferenceAsked, postForm, referenceDigest } from "../support/reference-question.ts";
import { standInRepositories } from "../support/serve-hub.ts";
import { type StandInHub, startStandInHub } from "../support/stand-in-hub.ts";
import { listen } from "../support/test-server.ts";

interface Answered {
  readonly status: string;
  readonly model: string;
  readonly digest: string;
  readonly model_digest: string;
  readonly charged_micros: number;
  readonly code?: string;
  readonly detail?: string;
}

describe("npm start -- --model GSAI-ML/LLaDA-V, and another beside it", () => {
  let hub: StandInHub;
  let system: LocalSystem;
  let models: string;
  const said: string[] = [];

  beforeAll(async () => {
    hub = await startStandInHub(standInRepositories());
    models = mkdtempSync(path.join(tmpdir(), "unmask-models-"));
    system = await startLocalSystem("programs", {
      args: [
        ...["--model", "GSAI-ML/LLaDA-V", "--model", "infra/demo-model/bundle"],
        ...["--provider", "cpu", "--format", "f32"],
      ],
      env: { HF_ENDPOINT: hub.origin, UNMASK_MODELS: models },
      onSaid: (line) => said.push(line),
    });
  }, 180_000);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await hub.close();
    rmSync(models, { recursive: true, maxRetries: 5 });
  });

  const post = (route: string, fields: Readonly<Record<string, string>>): Promise<Response> =>
    postForm(system, route, fields);

  test("says what it does, with the commit and the size, and which is ready", () => {
    const { url, key, models: served, model } = system;
    expect([url.startsWith("http://127.0.0.1:"), key.startsWith("umk_"), model, served]).toEqual([
      ...[true, true, "llada-v", ["llada-v", "unmask-demo"]],
    ]);
    const commit = hub.commitOf("GSAI-ML/LLaDA-V", "main");
    expect(said.join("\n")).toMatch(
      new RegExp(`llada-v: GSAI-ML/LLaDA-V@${commit} in f32, 0\\.9 MB`),
    );
    expect(said.join("\n")).toMatch(/ready: llada-v on cpu, unmask-demo on cpu/);
  });

  test("asked as the reference was, it answers the reference's tokens", async () => {
    const response = await post("answers", asReferenceAsked);
    const answer = (await response.json()) as Answered;
    expect(answer).toMatchObject({ status: "completed", model: "llada-v" });
    expect(answer.digest).toBe(await referenceDigest(answer.model_digest));
  });

  test("both are told by their functions, and the request's name chooses", async () => {
    const headers = { authorization: `Bearer ${system.key}` };
    const list = (await (
      await fetch(`${system.url}/v1/models`, { headers })
    ).json()) as ModelListBody;
    expect(list.data).toMatchObject([
      { id: "llada-v", provider: "cpu", format: "f32", image: { aspect: "anyres" } },
      { id: "unmask-demo", provider: "cpu", image: { aspect: "pad" } },
    ]);
    const answer = (await (
      await post("answers", { question: "What is this?", canvas: "16", model: "unmask-demo" })
    ).json()) as Answered;
    expect([answer.status, answer.model]).toEqual(["completed", "unmask-demo"]);
    const unknown = (await (
      await post("answers", { question: "?", model: "gpt-5" })
    ).json()) as Answered;
    expect([unknown.code, unknown.detail]).toEqual([
      "unknown_model",
      'There is no model "gpt-5"; there is llada-v, unmask-demo.',
    ]);
  });

  test("a batch asks one of them: an item of another is named", async () => {
    const headers = {
      authorization: `Bearer ${system.key}`,
      "content-type": "application/json",
    };
    const items = [{ question: "?" }, { question: "?", model: "unmask-demo" }];
    const init = { method: "POST", headers, body: JSON.stringify({ items }) };
    const response = await fetch(`${system.url}/v1/batches`, init);
    const message = "a batch asks one model; this one asks llada-v";
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: "invalid_request", errors: [{ pointer: "/items/1/model", message }] },
    ]);
  });

  test("a quote by the card that nobody wrote down is the charge", async () => {
    const { cache: _, ...priced } = asReferenceAsked;
    const quote = (await (await post("quotes", priced)).json()) as {
      readonly price_micros: number;
      readonly card: string;
    };
    const answer = (await (
      await post("answers", { ...asReferenceAsked, card: quote.card })
    ).json()) as Answered;
    expect(answer.charged_micros).toBe(quote.price_micros);
    expect(quote.price_micros).toBeGreaterThan(0);
  });

  test.skipIf(process.platform !== "linux")(
    "a webhook is delivered while the inference functions stand still",
    async () => {
      const heard: unknown[] = [];
      const receiver = await listen(
        createServer((request, response) => {
          heard.push(request.headers["webhook-id"]);
          response.writeHead(204).end();
        }),
      );
      const call = async (path: string, body?: object): Promise<{ id: string }> => {
        const headers = {
          authorization: `Bearer ${system.key}`,
          "content-type": "application/json",
        };
        const init = { method: "POST", headers, body: JSON.stringify(body ?? {}) };
        return (await (await fetch(`${system.url}/v1/${path}`, init)).json()) as { id: string };
      };
      const { id } = await call("webhook_endpoints", { url: `${receiver.origin}/` });
      const computing = descendantsOf(system.child.pid ?? 0).filter(({ command }) =>
        command.includes("src/inference/function.ts"),
      );
      expect(computing).not.toEqual([]);
      for (const { pid } of computing) process.kill(pid, "SIGSTOP");
      try {
        await call(`webhook_endpoints/${id}/test`);
        await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(1);
      } finally {
        for (const { pid } of computing) process.kill(pid, "SIGCONT");
        await receiver.close();
      }
    },
  );

  test.skipIf(process.platform !== "linux")(
    "a function that crashes is named with its signal and log, and started anew; the others answer meanwhile",
    async () => {
      const functions = () =>
        descendantsOf(system.child.pid ?? 0).filter(
          ({ command }) =>
            command.includes("src/inference/function.ts") && !command.startsWith("sh"),
        );
      const [first] = functions();
      if (first === undefined) throw new Error("no function runs");
      process.kill(first.pid, "SIGSEGV");
      const demo = await post("answers", {
        question: "What is it?",
        canvas: "16",
        model: "unmask-demo",
      });
      expect(demo.status).toBe(200);
      await vi.waitFor(
        async () => {
          const answer = (await (await post("answers", asReferenceAsked)).json()) as Answered;
          expect(answer.digest).toBe(await referenceDigest(answer.model_digest));
        },
        { timeout: 60_000, interval: 500 },
      );
      expect(said.join("\n")).toMatch(
        /function of llada-v crashed \(SIGSEGV\) \(see .*function\.log\); it is started anew in 1 s/,
      );
    },
    90_000,
  );

  test("asked to stop, it ends cleanly and leaves nobody listening", async () => {
    system.child.kill("SIGTERM");
    expect(await system.ended).toBe(0);
    await expect(fetch(`${system.url}/health`)).rejects.toThrow();
  }, 40_000);
});
