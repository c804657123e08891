import { createServer } from "node:http";
import { expect, test } from "vitest";
import { stripeExport } from "#edge/usage/meter-export.ts";
import { listen, type TestServer } from "../support/test-server.ts";

const event = {
  id: "ans_1",
  customerId: "cus_1",
  micros: 1728,
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
};

interface Recorded {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Stands in for Stripe: writes down what reaches it, byte for byte, and answers with `status`. */
async function recordingStripe(
  status: number,
): Promise<{ readonly server: TestServer; readonly recorded: Recorded[] }> {
  const recorded: Recorded[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    recorded.push({ method: request.method, path: request.url, headers: request.headers, body });
    // A reply that is followed, or kept open, would be another request here.
    const headers = { "content-type": "application/json", location: "/elsewhere" };
    response.writeHead(status, headers).end('{"object":"billing.meter_event"}');
  });
  return { server: await listen(server), recorded };
}

test("a charge goes over the wire in Stripe's field names, once", async () => {
  const { server, recorded } = await recordingStripe(200);
  try {
    const settings = { key: "sk_test_x", meter: "unmask_micros", baseUrl: server.origin };
    await stripeExport(settings).send(event);
  } finally {
    await server.close();
  }
  expect(recorded).toHaveLength(1);
  const [request] = recorded;
  expect([request?.method, request?.path]).toEqual(["POST", "/v1/billing/meter_events"]);
  expect(request?.headers).toMatchObject({
    authorization: "Bearer sk_test_x",
    "content-type": expect.stringMatching(/^application\/x-www-form-urlencoded/),
    "idempotency-key": "ans_1",
  });
  // Field names of Stripe's "Create a billing meter event", each exactly once; its timestamps are seconds.
  expect(request?.body.split("&").map(decodeURIComponent).toSorted()).toEqual([
    "event_name=unmask_micros",
    "identifier=ans_1",
    "payload[stripe_customer_id]=cus_1",
    "payload[value]=1728",
    "timestamp=1767323045",
  ]);
});

test.each([302, 400, 429, 500])(
  "a Stripe that answers %i has not taken the charge, and is not followed elsewhere",
  async (status) => {
    const { server, recorded } = await recordingStripe(status);
    try {
      const settings = { key: "sk_test_x", meter: "m", baseUrl: server.origin };
      const sending = stripeExport(settings).send(event);
      await expect(sending).rejects.toThrow(
        `exporting meter event ans_1: Stripe answered ${status}`,
      );
    } finally {
      await server.close();
    }
    expect(recorded).toHaveLength(1);
  },
);

test("a Stripe that is not there is worth trying again, and its key stands in no complaint", async () => {
  const { server } = await recordingStripe(200);
  await server.close();
  const settings = { key: "sk_test_secret", meter: "m", baseUrl: server.origin };
  const cause: unknown = await stripeExport(settings)
    .send(event)
    .catch((thrown) => thrown);
  expect(cause).toBeInstanceOf(Error);
  expect(String(cause)).not.toContain("sk_test_secret");
});
