import { readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import type { Answer } from "#client/answer-stream.ts";
import { createClient } from "#client/client.ts";
import { tradeForPass } from "#client/playground-pass.ts";
import type { Loaded, Told } from "#playground/private/protocol.ts";
import type { LocalSystem } from "../../support/local-system.ts";
import { openPage } from "../open-page.ts";
import type { Running } from "../running.ts";

export const PICTURES: string = path.resolve(import.meta.dirname, "../../fixtures/pictures");

export interface AskedPicture {
  readonly file: string;
  readonly question: string;
}

/** Every question of the demo set about a picture that is a PNG. */
export function pngQuestions(): readonly AskedPicture[] {
  const all = JSON.parse(
    readFileSync(path.join(PICTURES, "answers.json"), "utf8"),
  ) as readonly AskedPicture[];
  return all.filter(({ file }) => file.endsWith(".png"));
}

/** What a worker of the page's own answers, driven without the page's views: a second each is for the eye. */
export async function answersHere(
  { browser, system }: Running,
  questions: readonly AskedPicture[],
  quotaBytes?: number,
): Promise<HeardHere> {
  const { token } = await tradeForPass({ baseUrl: system.url, apiKey: system.key });
  const client = createClient({ baseUrl: system.url, apiKey: system.key });
  const [model] = (await client.models()).data;
  // Its policy lets nobody else start a worker.
  await using opened = await openPage(browser, system.url, { bypassCSP: true });
  if (quotaBytes !== undefined) {
    const devtools = await opened.page.context().newCDPSession(opened.page);
    const origin = new URL(system.url).origin;
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: quotaBytes });
  }
  const asked = questions.map(({ file, question }) => ({
    body: { question },
    base64: readFileSync(path.join(PICTURES, file)).toString("base64"),
  }));
  const order = { kind: "load", model, token, baseUrl: system.url };
  return await opened.page.evaluate(inWorker, { order, asked });
}

interface HeardHere {
  readonly loaded: Loaded;
  readonly answers: readonly Answer[];
}

/** Runs in the page. */
async function inWorker({
  order,
  asked,
}: {
  readonly order: object;
  readonly asked: readonly { readonly body: object; readonly base64: string }[];
}): Promise<HeardHere> {
  const script = document.querySelector<HTMLScriptElement>('script[src*="playground"]')?.src ?? "";
  const [address = ""] = /\/private\/worker-\w+\.js/.exec(await (await fetch(script)).text()) ?? [];
  const worker = new Worker(address, { type: "module" });
  const until = <Result>(order: object, read: (told: Told) => Result | undefined) =>
    new Promise<Result>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Told>) => {
        const result = read(data);
        if (result !== undefined) resolve(result);
        if (["refused", "broke", "load_failed"].includes(data.kind))
          reject(new Error(JSON.stringify(data)));
      };
      worker.postMessage(order);
    });
  const loaded = await until(order, (told) => (told.kind === "ready" ? told.loaded : undefined));
  const answers: Answer[] = [];
  for (const { body, base64 } of asked) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    let last: Answer | undefined;
    const ask = { kind: "ask", body, pictures: [new Blob([bytes])] };
    await until(ask, (told) => {
      if (told.kind === "update" && "answer" in told.update) last = told.update;
      return told.kind === "ended" ? true : undefined;
    });
    if (last !== undefined) answers.push(last);
  }
  worker.terminate();
  return { loaded, answers };
}

/** What the service answers. */
export async function answersThere(
  { url, key }: LocalSystem,
  questions: readonly AskedPicture[],
): Promise<readonly Answer[]> {
  const client = createClient({ baseUrl: url, apiKey: key });
  const answers: Answer[] = [];
  for (const { file, question } of questions) {
    const image = new Blob([readFileSync(path.join(PICTURES, file))], { type: "image/png" });
    answers.push(await client.ask({ question, images: [image] }));
  }
  return answers;
}

/**
 * Holds answers of a worker to the service's: the same tokens, and the same word on whether to rely on them. Not the same steps: where two
 * positions are about as sure, the last bits of another machine's arithmetic say which of them is first.
 */
export async function expectEqualAnswers(
  running: Running,
  questions: readonly AskedPicture[],
  quotaBytes?: number,
): Promise<Loaded> {
  const { loaded, answers: here } = await answersHere(running, questions, quotaBytes);
  const there = await answersThere(running.system, questions);
  expect(here.map(essence)).toEqual(there.map(essence));
  return loaded;
}

function essence({ answer, tokens, in_domain, abstained, abstention, ...rest }: Answer): object {
  const { status, model_digest, charged_micros } = rest;
  const texts = tokens.map(({ text }) => text);
  expect(status === "completed" && charged_micros >= 0).toBe(true);
  return { answer, texts, in_domain, abstained, abstention, model_digest };
}
