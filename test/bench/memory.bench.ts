import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import { GENERATE_PATH, MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { MODEL_CARD_PATH } from "#wire/function/status.ts";
import { HOP_VERSION, HOP_VERSION_HEADER } from "#wire/function/ticket.ts";
import { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import { buildEdge } from "../../infra/edge/workerd/build.ts";
import { freePorts } from "../../infra/local/ports.ts";
import { pngBytes, story, untoldByFunction } from "../support/edge-builders.ts";
import { roomyBindings, startLocalEdge } from "./local-edge.ts";
import { openAccount, post } from "./stand.ts";

/** How a picture reaches the edge. */
export const PICTURE_FORMS = ["multipart", "base64", "chat", "upload", "by id", "by url"] as const;
export type PictureForm = (typeof PICTURE_FORMS)[number];

/** What so many pictures at once take of workerd's memory beyond what it has while it does nothing. */
export interface MemoryFigure {
  readonly form: PictureForm;
  readonly pictures: number;
  readonly bytesEach: number;
  /** Resident bytes of the process, its local object storage and databases included. */
  readonly idleBytes: number;
  readonly peakBytes: number;
}

const MIB = 1024 * 1024;
const LOADS: readonly { readonly pictures: number; readonly bytesEach: number }[] = [
  { pictures: 1, bytesEach: 10 * MIB },
  { pictures: 4, bytesEach: 10 * MIB },
  { pictures: 4, bytesEach: 1.5 * MIB },
];

/** Compiled, with its tables and caches warm: what the process has after that it keeps. */
const WARM_UPS = 30;

/** Garbage of the warm-up goes in that time, or it never does. */
const SETTLE_MS = 1_500;

/**
 * Measures the local edge (`infra/local/edge.ts`, workerd with its object storage in one process) as pictures of the largest
 * size pass through it to a double of the function. A new process for each figure: memory that one load left would hide
 * the next. Linux tells a process's peak since it was last reset, so nothing between two looks is missed.
 */
export async function* measureMemory(
  forms: readonly PictureForm[] = PICTURE_FORMS,
): AsyncGenerator<MemoryFigure, void, undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-memory-"));
  const double = await startDouble();
  try {
    await buildEdge(folder);
    for (const form of forms)
      for (const load of LOADS) {
        await using edge = await startEdge(folder, double);
        yield { form, ...load, ...(await peakOf(edge, form, load)) };
      }
  } finally {
    double.server.closeAllConnections();
    double.server.close();
    await rm(folder, { recursive: true, maxRetries: 5 });
  }
}

async function peakOf(
  edge: Edge,
  form: PictureForm,
  { pictures, bytesEach }: { readonly pictures: number; readonly bytesEach: number },
): Promise<Pick<MemoryFigure, "idleBytes" | "peakBytes">> {
  for (let turn = 0; turn < WARM_UPS; turn += 1)
    await (await prepareRequest(edge, form, newPicture(2_000)))();
  const requests = await Promise.all(
    Array.from({ length: pictures }, () => prepareRequest(edge, form, newPicture(bytesEach))),
  );
  await sleep(SETTLE_MS);
  // Resets the peak to what is resident now. Source: proc(5), clear_refs.
  writeFileSync(`/proc/${edge.workerdPid}/clear_refs`, "5");
  const idleBytes = statusOf(edge.workerdPid, "VmRSS");
  await Promise.all(requests.map((request) => request()));
  return { idleBytes, peakBytes: statusOf(edge.workerdPid, "VmHWM") };
}

function statusOf(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
}

/** A PNG of 8 × 8 pixels that nobody has seen before, and much behind its header: the edge decodes nothing. */
function newPicture(bytes: number): Uint8Array<ArrayBuffer> {
  const picture = new Uint8Array(bytes);
  picture.set(randomBytes(64), pngBytes.length + 8);
  picture.set(pngBytes);
  return picture;
}

/** Makes a request ready, so that what it costs this process comes before it is measured. */
async function prepareRequest(
  edge: Edge,
  form: PictureForm,
  picture: Uint8Array<ArrayBuffer>,
): Promise<() => Promise<void>> {
  const { url, key } = edge;
  const question = "What is this?";
  const base64 = (): string => Buffer.from(picture).toString("base64");
  const ask = async (body: object): Promise<() => Promise<void>> => {
    const at = form === "chat" ? `${url}v1/chat/completions` : `${url}v1/answers`;
    return async () => await ended(await post(at, key, body));
  };
  const send =
    (at: string, body: FormData | Uint8Array<ArrayBuffer>, type?: string) =>
    async (): Promise<Response> => {
      const headers = { authorization: `Bearer ${key}`, ...(type && { "content-type": type }) };
      return await fetch(`${url}${at}`, { method: "POST", headers, body });
    };
  const upload = send("v1/images", picture, "application/octet-stream");
  switch (form) {
    case "multipart": {
      const body = new FormData();
      body.set("question", question);
      body.set("image", new Blob([picture]), "picture.png");
      return async () => await ended(await send("v1/answers", body)());
    }
    case "base64":
      return await ask({ question, image: { data: base64() } });
    case "chat": {
      const image_url = { url: `data:image/png;base64,${base64()}` };
      const content = [
        { type: "text", text: question },
        { type: "image_url", image_url },
      ];
      return await ask({ messages: [{ role: "user", content }] });
    }
    case "upload":
      return async () => await ended(await upload());
    case "by id": {
      const { id } = (await (await upload()).json()) as { id: string };
      return await ask({ question, image: { id } });
    }
    case "by url":
      return await ask({ question, image: { url: edge.double.serve(picture) } });
    default:
      return form satisfies never;
  }
}

async function ended(response: Response): Promise<void> {
  const text = await response.text();
  if (!response.ok) throw new Error(`a request got ${response.status}: ${text.slice(0, 500)}`);
}

interface Edge extends AsyncDisposable {
  readonly url: string;
  readonly key: string;
  readonly workerdPid: number;
  readonly double: Double;
}

async function startEdge(folder: string, double: Double): Promise<Edge> {
  const [apiPort = 0, storagePort = 0] = await freePorts(2);
  const { adminKey, bindings: roomy } = roomyBindings();
  const bindings = {
    ...roomy,
    FUNCTION_URL: double.url,
    FETCH_URL: double.url,
    FETCH_PRIVATE: "allow",
    TICKET_KEY: JSON.stringify((await generateTicketKeys("bench")).signing),
  };
  const edge = await startLocalEdge({ folder, apiPort, storagePort, bindings });
  const { url, workerdPid, process: running } = edge;
  return {
    ...{ url, workerdPid, double },
    key: await openAccount({ url, adminKey }, 1_000_000_000),
    [Symbol.asyncDispose]: () => running.stop(5_000),
  };
}

interface Double {
  readonly url: string;
  readonly server: Server;
  /** Gives a picture an address. */
  serve(picture: Uint8Array): string;
}

/** A function that has its answer ready once it has heard the question, and fetches what it serves itself. */
async function startDouble(): Promise<Double> {
  const pictures: Uint8Array[] = [];
  const server = createServer((request, response) => void play(request, response, pictures));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const serve = (picture: Uint8Array): string => `${url}/${pictures.push(picture) - 1}.png`;
  return { url, server, serve };
}

async function play(
  request: IncomingMessage,
  response: ServerResponse,
  pictures: readonly Uint8Array[],
): Promise<void> {
  if (request.url === MODEL_CARD_PATH) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(card));
  } else if (request.url === FETCH_PATH) {
    const order = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { url: string };
    const picture = pictures[Number(/(\d+)\.png$/.exec(order.url)?.[1])];
    response.writeHead(200, { "content-type": "application/octet-stream" }).end(picture);
  } else if (request.url === GENERATE_PATH) {
    await once(request.resume(), "end");
    const headers = {
      "content-type": "text/event-stream",
      [MODEL_DIGEST_HEADER]: DIGEST,
      [HOP_VERSION_HEADER]: String(HOP_VERSION),
    };
    const answer = story.map((event) => encodeSse(eventMessage(event, "ans_x"))).join("");
    response.writeHead(200, headers).end(answer);
  } else response.writeHead(404).end();
}

const DIGEST = "ab".repeat(32);
const card = {
  id: "unmask-demo",
  digest: DIGEST,
  image: { aspect: "pad", grid_pinpoints: [[96, 96]], max_tiles: 1 },
  max_prompt_length: 1024,
  ...untoldByFunction,
  provider: "none",
  format: "none",
  vision: { view_pixels: 96, patch_pixels: 16 },
  work: { view: 0, linear: 1, attention: 1 },
};
