import { afterEach, describe, expect, test, vi } from "vitest";
import { modelListSchema, modelSchema } from "#wire/api/models.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { failures, untoldByFunction } from "../../../support/edge-builders.ts";
import { ask, digest, functionReplies, refusal } from "../../function-double.ts";

afterEach(() => vi.restoreAllMocks());

const card: ModelCard = {
  id: "demo",
  digest,
  image: { aspect: "anyres", grid_pinpoints: [[96, 48]], max_tiles: 4 },
  max_prompt_length: 2048,
  ...untoldByFunction,
  provider: "cpu",
  format: "f32",
  vision: { view_pixels: 48, patch_pixels: 8 },
  work: { view: 1, linear: 1, attention: 1 },
};

describe("GET /v1/models", () => {
  test("works: it says what the loaded model can be asked", async () => {
    const { sent } = functionReplies(() => Response.json({ ...card, later: true }), "asked");
    const response = await ask("/v1/models");
    const list = modelListSchema.parse(await response.json());
    expect(list.data[0]).toMatchObject({
      ...{ id: "demo", digest, limits: { canvas: 512 }, provider: "cpu", format: "f32" },
      ...{ numerics: null, price_picos: { view: 1, linear: 1, attention: 1 } },
    });
    expect(sent.map(({ url }) => url)).toEqual([
      ...["http://127.0.0.1:8788/v1/model", "http://127.0.0.1:8788/status"],
    ]);
  });

  test("says how large a picture is worth sending: the largest canvas that the model looks at", async () => {
    functionReplies(() => Response.json(card), "asked");
    const shown = modelSchema.parse(await (await ask("/v1/models/demo")).json());
    expect(shown.image).toEqual({
      ...card.image,
      recommended_max_pixels: 96 * 48,
      recommended_max_side: 96,
    });
  });

  test("says of which class of arithmetic the answers are, as soon as the function knows", async () => {
    const status = {
      ...{ model: { name: "demo", version: "1", digest }, state: "ready" },
      ...{ loaded_bytes: 1, total_bytes: 1, eta_seconds: 0, replace: false, reason: null },
      numerics: "cpu/onnxruntime-node-1.30.0/x64/alone/ab",
    };
    functionReplies(({ url }) => Response.json(url.endsWith("/status") ? status : card), "asked");
    const shown = modelSchema.parse(await (await ask("/v1/models/demo")).json());
    expect(shown.numerics).toBe(status.numerics);
  });

  test("says on which terms it is asked here: what the settings say holds over the function's word", async () => {
    functionReplies(() => Response.json({ ...card, id: "unmask-demo" }), "asked");
    const list = modelListSchema.parse(await (await ask("/v1/models")).json());
    expect(list.data[0]).toMatchObject({
      canvas: { default: 32, recommended: 32, limit: 512 },
      abilities: { system_messages: false, several_pictures: false, several_turns: true },
    });
  });

  test("asks every function anew: a model that was switched is told at once", async () => {
    let id = "one";
    functionReplies(() => Response.json({ ...card, id }), "asked");
    const names = async () =>
      modelListSchema.parse(await (await ask("/v1/models")).json()).data.map((one) => one.id);
    expect(await names()).toEqual(["one"]);
    id = "two";
    expect(await names()).toEqual(["two"]);
  });

  test("reads as OpenAI's clients expect, and shows one model by its name", async () => {
    functionReplies(() => Response.json(card), "asked");
    const shown = modelSchema.parse(await (await ask("/v1/models/demo")).json());
    expect(shown).toMatchObject({ id: "demo", object: "model", created: 0, owned_by: "unmask" });
    expect(await refusal(await ask("/v1/models/gpt-5"))).toMatchObject({
      status: 404,
      detail: 'There is no model "gpt-5"; there is demo.',
    });
  });

  test("refuses callers without a key, and while no function knows its model", async () => {
    expect((await ask("/v1/models", { headers: { authorization: "" } })).status).toBe(401);
    const request = { requestId: "req_f", instance: "/v1/model" };
    functionReplies(() => refusalResponse(failures.weights_loading, request), "asked");
    const response = await ask("/v1/models");
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "41"]);
  });

  test("withstands a card of another shape", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    functionReplies(() => Response.json({ ...card, canvas_limit: 1e9 }), "asked");
    expect((await ask("/v1/models")).status).toBe(502);
  });
});
