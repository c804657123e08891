import type { MadeEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import type { Question } from "#domain/question.ts";
import type { ModelCard } from "#domain/quote.ts";
import type { Result } from "#domain/result.ts";
import { admit } from "#edge/answers/admit.ts";
import type { Job } from "#edge/answers/storage/answer-order.ts";
import { type DispatchMeans, dispatch } from "#edge/fleet/dispatch.ts";
import { createAdmission } from "#inference/admission.ts";
import { createFetcher } from "#inference/fetch/routes.ts";
import { createPace } from "#inference/fleet/pace.ts";
import { createHandler } from "#inference/handler.ts";
import { createMetrics } from "#inference/metrics.ts";
import { createTicketLog } from "#inference/ticket-log.ts";
import { mergedCard } from "#wire/function/model-card.ts";
import { generateTicketKeys, type TicketSigningKey } from "#wire/function/ticket-keys.ts";
import { hostOfBundle } from "./bundle-host.ts";
import { asked } from "./orders.ts";
import { firstOf } from "./serving-fleet.ts";
import { wranglerCards } from "./wrangler-cards.ts";
import "./fixed-length-stream.ts";

/** How a question ended: refused before any work, or as the function told it. */
export type Ending =
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "answered"; readonly quotedVectors: number; readonly events: MadeEvent[] };

/** The edge's half of answering and the function's, with the model that ships, joined without a network. */
export interface JoinedHalves {
  readonly card: ModelCard;
  readonly ticketKey: TicketSigningKey;
  /** Prices a question and lets it in. */
  admit(question: Question): Result<Job, Failure>;
  /** Asks as the edge does: prices, signs, sends, reads. */
  ask(question: Question): Promise<Ending>;
  /** Sends a request to the function as it is. */
  request(path: string, init: RequestInit): Promise<Response>;
  /** What the function logged as faults of ours. */
  readonly faults: readonly unknown[];
  /** What stands in for `fetch`, to be put in its place. */
  readonly fetch: typeof fetch;
  dispose(): Promise<void>;
}

/** Small pictures are kept with their question. */
const noBucket = {
  put: async () => {
    throw new Error("the halves are joined for small pictures");
  },
} as unknown as DispatchMeans["pictures"];

const MODEL = "unmask-demo";
const FUNCTION_URL = "http://function.test";

export async function joinHalves(): Promise<JoinedHalves> {
  const { signing: ticketKey, verification } = await generateTicketKeys("test");
  const faults: unknown[] = [];
  const host = await hostOfBundle("infra/demo-model/bundle", MODEL);
  const { card: told } = await host.described(new AbortController().signal);
  const card = mergedCard(told, wranglerCards()[MODEL]);
  if (card === undefined) throw new Error("the function tells no whole card");
  const metrics = createMetrics();
  const reach = { resolve: async () => [], allowsPrivate: false, forbiddenPorts: [] };
  const handler = createHandler({
    host,
    fetcher: createFetcher(
      reach,
      () => 0,
      () => undefined,
      metrics,
    ),
    metrics,
    metricsGuard: { host: "127.0.0.1" },
    isDraining: () => false,
    cut: new AbortController().signal,
    pace: createPace(() => 0),
    admission: createAdmission(1, 1, () => 0),
    ticketKeys: [verification],
    tickets: createTicketLog(Date.now),
    now: Date.now,
    log: (event, fields) => {
      if (event === "answer.fault" || event === "request.failed") faults.push(fields);
    },
  });
  const settings = { functionSilenceSeconds: 60, ticketKey };
  const means = { settings, ...firstOf([FUNCTION_URL]), pictures: noBucket };
  const letIn = (question: Question): Result<Job, Failure> =>
    admit(asked(question), {
      ...{ id: "ans_1", accountId: "acc_1", card, warnings: [], createdAt: 0 },
    });
  return {
    card,
    ticketKey,
    faults,
    admit: letIn,
    request: async (path, init) => await handler.request(path, init),
    // Node wants to be told that a body is a stream.
    fetch: async (input, init) =>
      await handler.fetch(new Request(input, { ...init, duplex: "half" } as RequestInit)),
    async ask(question) {
      const job = letIn(question);
      if (!job.ok) return { kind: "refused", failure: job.refusal };
      const signal = new AbortController().signal;
      const terms = {
        owner: null,
        requestId: "req_1",
        traceparent: null,
        deadlineAt: null,
        numerics: null,
        weights: null,
        signal,
      };
      const sent = await dispatch(job.value, means, terms);
      if (!sent.ok) return { kind: "refused", failure: sent.refusal };
      const events = await Array.fromAsync(sent.value.events);
      return { kind: "answered", quotedVectors: job.value.quote.imageVectors, events };
    },
    dispose: () => host.dispose(),
  };
}
