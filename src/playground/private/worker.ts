import { WeightsError } from "#weights/weights-error.ts";
import { answerPrivately } from "./private-answer.ts";
import { loadPrivateModel, type PrivateModel, TooLargeError } from "./private-model.ts";
import type { LoadFault, Order, Told } from "./protocol.ts";

// Entry file of the worker in which questions are answered without being sent. It asks the network for weights, and for nothing else.

const tell = (told: Told): void => self.postMessage(told);

let model: PrivateModel | undefined;
let card: Extract<Order, { kind: "load" }>["model"] | undefined;
let stop = new AbortController();

self.addEventListener("message", ({ data }: MessageEvent<Order>) => {
  if (data.kind === "load") void load(data);
  else if (data.kind === "ask") void ask(data);
  else stop.abort();
});

async function load(order: Extract<Order, { kind: "load" }>): Promise<void> {
  const { baseUrl, token } = order;
  card = order.model;
  try {
    const source = { baseUrl, token, model: card.id, fetch: fetch.bind(self) };
    model = await loadPrivateModel(source, card, (load) => tell({ kind: "loading", load }));
    tell({ kind: "ready", loaded: model.loaded });
  } catch (cause) {
    tell({ kind: "load_failed", fault: faultOf(cause) });
  }
}

function faultOf(cause: unknown): LoadFault {
  if (cause instanceof TooLargeError) return { kind: "too_large" };
  const code = cause instanceof WeightsError ? cause.code : undefined;
  switch (code) {
    case "store_unavailable":
      return { kind: "offline" };
    case "not_found":
    case "store_refused":
      return { kind: "not_downloadable" };
    case "access_denied":
      return {
        kind:
          cause instanceof Error && / 401$/.test(cause.message) ? "pass_over" : "not_downloadable",
      };
    default:
      return { kind: "other", message: cause instanceof Error ? cause.message : String(cause) };
  }
}

async function ask({ body, pictures }: Extract<Order, { kind: "ask" }>): Promise<void> {
  if (model === undefined || card === undefined) return;
  stop = new AbortController();
  try {
    const question = { body, pictures, card, stop: stop.signal };
    for await (const event of answerPrivately(model, question)) tell(event);
    tell({ kind: "ended" });
  } catch (cause) {
    tell({ kind: "broke", message: cause instanceof Error ? cause.message : String(cause) });
  }
}
