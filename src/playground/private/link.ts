import type { AnswerUpdate } from "#client/answer-stream.ts";
import { RefusedError } from "#client/errors.ts";
import { scriptAddress } from "../parts/script-address.ts";
import type { Loaded, LoadFault, LoadProgress, Order, Told } from "./protocol.ts";

/** A model that cannot be loaded here. */
export class LoadError extends Error {
  override readonly name = "LoadError";
  readonly fault: LoadFault;

  constructor(fault: LoadFault) {
    super(fault.kind);
    this.fault = fault;
  }
}

/** The worker in which questions are answered, as the page sees it. One thing at a time is asked of it. */
export interface PrivateLink {
  /** Rejects with LoadError. */
  load(
    order: Omit<Extract<Order, { kind: "load" }>, "kind">,
    onProgress: (load: LoadProgress) => void,
  ): Promise<Loaded>;
  /** Rejects with RefusedError as the service would refuse. */
  ask(body: unknown, pictures: readonly Blob[]): AsyncIterable<AnswerUpdate>;
  stop(): void;
  /** Ends the worker where it stands. What it has kept on the device stays. */
  end(): void;
}

/** Starts the worker. */
export function openPrivateLink(): PrivateLink {
  const worker = new Worker(scriptAddress(PRIVATE_WORKER), {
    type: "module",
    name: "ask without sending",
  });
  let hear: (told: Told) => void = () => undefined;
  worker.addEventListener("message", ({ data }: MessageEvent<Told>) => hear(data));
  worker.addEventListener("error", ({ message }) =>
    hear({ kind: "load_failed", fault: { kind: "other", message: message || "it ended" } }),
  );
  const send = (order: Order): void => worker.postMessage(order);
  return {
    load: (order, onProgress) =>
      new Promise((resolve, reject) => {
        hear = (told) => {
          if (told.kind === "loading") onProgress(told.load);
          if (told.kind === "ready") resolve(told.loaded);
          if (told.kind === "load_failed") reject(new LoadError(told.fault));
        };
        send({ kind: "load", ...order });
      }),
    async *ask(body, pictures) {
      const heard: Told[] = [];
      let wake: () => void = () => undefined;
      hear = (told) => {
        heard.push(told);
        wake();
      };
      send({ kind: "ask", body, pictures });
      for (;;) {
        const told = heard.shift();
        if (told === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        if (told.kind === "update") yield told.update;
        if (told.kind === "refused") throw new RefusedError(told.problem);
        if (told.kind === "broke") throw new Error(told.message);
        if (told.kind === "load_failed") throw new LoadError(told.fault);
        if (told.kind === "ended") return;
      }
    },
    stop: () => send({ kind: "stop" }),
    end: () => worker.terminate(),
  };
}
