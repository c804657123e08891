import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import { pngBytes } from "../../support/edge-builders.ts";
import { ask, functionReplies } from "../function-double.ts";
import { newKey } from "../routes/administration.ts";
import { askedAs } from "./calls.ts";
import { eventually, formsOf, storesWith } from "./everything.ts";
import { answered, asking, delivered, draw, functionTelling } from "./planted.ts";

afterEach(() => vi.restoreAllMocks());

/** Everything that is written to the log from now on. */
function logLines(): () => string {
  const lines: string[] = [];
  for (const level of ["log", "error", "warn", "info", "debug"] as const)
    vi.spyOn(console, level).mockImplementation((...words: readonly unknown[]) => {
      lines.push(words.map(String).join(" "));
    });
  return () => lines.join("\n");
}

function leaked(log: string, secrets: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(secrets)
    .filter(([, secret]) => formsOf(secret).some((form) => log.includes(form)))
    .map(([name]) => name);
}

describe("the log has nothing of", () => {
  test("questions, pictures, answers, names, idempotency keys, keys, tokens and webhook secrets, when all goes well", async () => {
    const log = logLines();
    const planted = draw();
    const { key } = await newKey({ name: planted.name });
    functionTelling(planted.answer);
    const secret = `whsec_${btoa(crypto.randomUUID())}`;
    const webhook = { url: `https://receiver.test/${planted.name}?secret=${planted.name}`, secret };
    const idempotency = crypto.randomUUID();
    await answered(planted, { key, webhook, headers: { "idempotency-key": idempotency } });
    const token = await askedAs(key, "POST", "/v1/client_tokens", {
      ...{ subject: planted.name, ttl_seconds: 600, spend_cap_micros: 100_000 },
    });
    const { token: bearer } = await token.json<{ token: string }>();
    await answered({ ...planted, question: `${planted.question} again` }, { key: bearer });
    await eventually(async () => {
      await runDurableObjectAlarm(env.WEBHOOKS.getByName("acc_test"));
      expect(log()).toContain('"event":"charge"');
    });
    expect(log()).toContain('"event":"request"');
    const keySecret = key.split("_").at(-2) ?? "";
    const secrets = {
      ...planted,
      secret,
      idempotency,
      key,
      keySecret,
      bearer,
      admin: env.ADMIN_KEY,
    };
    expect(leaked(log(), secrets)).toEqual([]);
  });

  test("any of it where something breaks: functions that say odd things, hosts that fail, bodies that are wrong", async () => {
    const log = logLines();
    const planted = draw();
    const address = `https://pictures.test/cat.png?token=${planted.name}`;
    const wrong = [
      { question: `What is ${planted.question}?`, images: [{ url: address }] },
      { question: planted.question, image: { data: planted.small } },
      { [planted.name]: planted.question },
      { ...asking(planted), canvas: planted.question },
      { ...asking(planted), webhook: { url: `https://user:${planted.name}@receiver.test` } },
    ];
    const replies: readonly (() => Response)[] = [
      () => new Response(`odd: ${planted.answer}`, { status: 500 }),
      () =>
        new Response(`event: odd\ndata: ${planted.answer}\n\n`, {
          headers: { "content-type": "text/event-stream" },
        }),
      () => Response.json({ answer: planted.answer }),
      () => {
        throw new Error("the wire broke");
      },
    ];
    for (const reply of replies) {
      functionReplies(({ url }) =>
        new URL(url).pathname === FETCH_PATH
          ? Response.json({ outcome: "odd", body: planted.small })
          : reply(),
      );
      for (const body of [...wrong, { ...asking(planted), cache: "off" }])
        await (await askedAs(env.TEST_API_KEY, "POST", "/v1/answers", body)).body?.cancel();
    }
    const form = new FormData();
    form.set("image", new Blob([pngBytes]), `${planted.name}.png`);
    form.set("question", "");
    form.set(planted.name, planted.question);
    await (await ask("/v1/answers", { method: "POST", body: form })).body?.cancel();
    await (await ask(`/v1/answers/${planted.name}?key=${planted.question}`)).body?.cancel();
    await (await ask(`/v1/${planted.name}`)).body?.cancel();
    await (await askedAs(`umk_live_${planted.name}`, "GET", "/v1/usage")).body?.cancel();
    expect(log()).toContain('"fault"');
    expect(leaked(log(), { ...planted, address })).toEqual([]);
  });
});

test("keys, tokens and the secrets of webhooks are in no store but where the page says: a key nowhere, a webhook's secret with its delivery", async () => {
  logLines();
  const planted = draw();
  const { key } = await newKey({ name: planted.name });
  functionTelling(planted.answer, delivered);
  const secret = `whsec_${btoa(crypto.randomUUID())}`;
  await answered(planted, { key, webhook: { url: "https://receiver.test/", secret } });
  const keySecret = key.split("_").at(-2) ?? "";
  expect(await storesWith(keySecret)).toEqual([]);
  expect(await storesWith(env.ADMIN_KEY)).toEqual([]);
  await eventually(async () =>
    expect(await storesWith(secret)).toEqual(["AnswerObject.answer", "WebhookObject.deliveries"]),
  );
});
