import { afterEach, describe, expect, test, vi } from "vitest";
import { refusal } from "../../function-double.ts";
import {
  deliveriesOf,
  endpointOf,
  receiverReplies,
  replied,
  silenceWebhooks,
  tell,
  tried,
  webhookOwner,
} from "../webhook-calls.ts";

afterEach(async () => {
  await silenceWebhooks();
  vi.restoreAllMocks();
});

describe("/v1/webhook_deliveries refuses", () => {
  test.each([
    ["a cursor that is none", "?after=%25", "/after"],
    ["a cursor of another list", "?after=WzEsMiwzXQ", "/after"],
    ["a status that there is not", "?status=lost", "/status"],
    ["an event that there is not", "?event=answer.dreamed", "/event"],
    ["a page of nothing", "?limit=0", "/limit"],
    ["a filter that there is not", "?url=https://shop.example", "/url"],
  ])("%s, naming the field", async (_, query, pointer) => {
    const owner = await webhookOwner();
    const problem = await refusal(await owner.call("GET", `webhook_deliveries${query}`));
    expect([problem.code, problem.errors?.[0]?.pointer]).toEqual(["invalid_request", pointer]);
  });

  test.each([
    ["no beginning", {}, "/since"],
    ["a beginning that is no time", { since: "yesterday" }, "/since"],
    ["an end that is no time", { since: "2026-01-01T00:00:00Z", until: "soon" }, "/until"],
  ])("to redeliver a range with %s", async (_, body, pointer) => {
    const owner = await webhookOwner();
    const problem = await refusal(await owner.call("POST", "webhook_deliveries/redeliver", body));
    expect([problem.code, problem.errors?.[0]?.pointer]).toEqual(["invalid_request", pointer]);
  });

  test("a delivery that there is not", async () => {
    const owner = await webhookOwner();
    for (const [method, path] of [
      ["GET", ""],
      ["POST", "/redeliver"],
    ] as const)
      expect(
        await refusal(await owner.call(method, `webhook_deliveries/whd_none${path}`)),
      ).toMatchObject({ status: 404, code: "not_found" });
  });

  test("to redeliver to an endpoint that is disabled or deleted", async () => {
    const owner = await webhookOwner();
    receiverReplies(owner, () => replied(200));
    const { id: endpoint } = await endpointOf(owner);
    await tell(owner.account);
    const { id } = await tried(owner);
    await owner.call("PATCH", `webhook_endpoints/${endpoint}`, { enabled: false });
    const again = async () =>
      await refusal(await owner.call("POST", `webhook_deliveries/${id}/redeliver`));
    expect(await again()).toMatchObject({ code: "not_found" });
    await owner.call("DELETE", `webhook_endpoints/${endpoint}`);
    expect(await again()).toMatchObject({ code: "not_found" });
    expect((await deliveriesOf(owner)).map(({ status }) => status)).toEqual(["delivered"]);
  });
});
