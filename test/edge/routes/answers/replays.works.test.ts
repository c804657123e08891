import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { replaySchema } from "#wire/api/answers/replays.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { numerics, story } from "../../../support/edge-builders.ts";
import { readOrderBody } from "../../../support/orders.ts";
import { ask, digest, eventReply, functionReplies } from "../../function-double.ts";
import { answered, otherStory, replay } from "../replays.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

describe("POST /v1/answers/{id}/replay works", () => {
  test("when the same answer comes about: equal, under an id of its own", async () => {
    functionReplies(() => eventReply(story));
    const answer = await answered();
    const response = await replay(answer.id);
    expect(response.status).toBe(200);
    const body = replaySchema.parse(await response.json());
    expect(body).toEqual({
      object: "replay",
      answer_id: answer.id,
      replayed_id: body.replayed_id,
      verdict: "equal",
      equal: true,
      digest: answer.digest,
      replayed_digest: answer.digest,
      model_digest: digest,
      replayed_model_digest: digest,
      numerics,
      replayed_numerics: numerics,
      difference: null,
      charged_micros: answer.charged_micros,
    });
    expect(body.replayed_id).not.toBe(answer.id);
    const shown = await ask(`/v1/answers/${body.replayed_id}`);
    expect(answerSchema.parse(await shown.json())).toMatchObject({ cached: false });
    const kept = env.DB.prepare("SELECT replay_of, outcome FROM replays WHERE id = ?");
    const counted = { replay_of: answer.id, outcome: "equal" };
    await vi.waitFor(
      async () => expect(await kept.bind(body.replayed_id).first()).toEqual(counted),
      5_000,
    );
  });

  test("when another comes about: not equal, with the first token that differs", async () => {
    functionReplies(() => eventReply(story));
    const answer = await answered();
    functionReplies(() => eventReply(otherStory("ee".repeat(32), " circle")));
    const body = replaySchema.parse(await (await replay(answer.id)).json());
    expect(body).toMatchObject({
      equal: false,
      replayed_digest: "ee".repeat(32),
      difference: {
        index: 2,
        token: { text: " square", step: 2 },
        replayed_token: { text: " circle", step: 2 },
      },
    });
  });

  test("when another arithmetic made it and it differs: not comparable, with both classes, and no difference", async () => {
    functionReplies(() => eventReply(story));
    const answer = await answered();
    const other = numerics.replace("cpu", "webgpu");
    const begun = otherStory("ee".repeat(32), " circle").map((event) =>
      event.kind === "answer.started" ? { ...event, numerics: other } : event,
    );
    functionReplies(() => eventReply(begun));
    const body = replaySchema.parse(await (await replay(answer.id)).json());
    expect(body).toMatchObject({
      ...{ verdict: "not_comparable", equal: null, difference: null },
      ...{ numerics, replayed_numerics: other },
    });
  });

  test("with the very question, and is charged like any other", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const ledger = ledgerOf(env, "acc_test");
    const answer = await answered({ question: "Où est l'œuf ?", seed: 7, stop: ["."] });
    const { available } = await ledger.balance();
    await (await replay(answer.id)).text();
    const [first, second] = orders.map(({ body }) => readOrderBody(body));
    expect(second).toEqual(first);
    expect(Number(available - (await ledger.balance()).available)).toBe(answer.charged_micros);
  });

  test("once for one Idempotency-Key, however often it is sent", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const { id } = await answered();
    const headers = { "idempotency-key": `replay ${id}` };
    const first = replaySchema.parse(await (await replay(id, headers)).json());
    const again = await replay(id, headers);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(replaySchema.parse(await again.json())).toEqual(first);
    expect(orders).toHaveLength(2);
  });
});
