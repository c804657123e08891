import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { type BatchBody, batchResultsSchema, batchSchema } from "#wire/api/answers/batches.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { pngBytes } from "../../support/edge-builders.ts";
import { ask, type SentRequest } from "../function-double.ts";

export const image: { readonly data: string } = { data: encodeBase64(pngBytes) };

/** Sends a batch. */
export async function postBatch(body: unknown, headers: HeadersInit = {}): Promise<Response> {
  return await ask("/v1/batches", {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

/** Items of a short question each. */
export function items(count: number, fields: object = {}): object[] {
  return Array.from({ length: count }, (_, index) => ({
    custom_id: `item-${index}`,
    question: `What is ${index}?`,
    canvas: 4,
    steps: 2,
    ...fields,
  }));
}

export async function readBatch(id: string): Promise<BatchBody> {
  return batchSchema.parse(await (await ask(`/v1/batches/${id}`)).json());
}

/** Waits until a batch has ended; lets its alarm ring meanwhile, as time would. */
export async function endOfBatch(id: string): Promise<BatchBody> {
  return await vi.waitFor(
    async () => {
      const body = await readBatch(id);
      if (body.ended_at !== null) return body;
      await runDurableObjectAlarm(env.BATCHES.getByName(id));
      throw new Error(`batch ${id} is ${JSON.stringify(body)}`);
    },
    { timeout: 10_000, interval: 50 },
  );
}

export async function resultsOf(id: string, query = "") {
  return batchResultsSchema.parse(await (await ask(`/v1/batches/${id}/results${query}`)).json());
}

/** A function that never replies, and lets go when it is told to. */
export function untilAborted({ signal }: SentRequest): Promise<Response> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}
