import { mean } from "../scoring/statistics.ts";
import type { World } from "../world.ts";
import type { Answered, Answerer, AskedQuestion, Outcome } from "./answerer.ts";
import { type Endpoint, EndpointFault, tokenCost } from "./endpoint.ts";
import { type EndpointReply, readReply } from "./endpoint-reply.ts";
import { dataUriOf, pictureBytes } from "./picture-bytes.ts";
import { MAX_ATTEMPTS, MAX_RETRY_AFTER_SECONDS, waitMs } from "./retry.ts";
import { chatWire } from "./wires/chat.ts";
import { responsesWire } from "./wires/responses.ts";
import type { Wire, WireAnswer, WireQuestion } from "./wires/wire.ts";

/** Questions in a row after which nobody expects the next one to fare better. */
const MAX_UNANSWERED = 5;

/** Longer than any answer takes, reasoning included; whoever hangs is asked again. */
const REPLY_TIMEOUT_MS = 300_000;

/** Parameters that some models refuse, for which there is another form (`chatWire`). */
const OPTIONAL_PARAMETERS: readonly string[] = ["max_tokens", "temperature"];

/** Asks a model of others; waits and asks again where it is said to be busy, or cannot be reached. */
export function endpointAnswerer(endpoint: Endpoint, world: World): Answerer {
  return new EndpointAnswerer(endpoint, world);
}

class EndpointAnswerer implements Answerer {
  readonly name: string;
  readonly #endpoint: Endpoint;
  readonly #wire: Wire;
  readonly #world: World;
  /** What this endpoint has refused to take: learnt once, and of use to every question after. */
  readonly #refused = new Set<string>();
  #hasAnswered = false;
  #unanswered = 0;

  constructor(endpoint: Endpoint, world: World) {
    this.name = `${endpoint.model} at ${endpoint.url}`;
    this.#endpoint = endpoint;
    this.#wire = endpoint.wire === "chat" ? chatWire : responsesWire;
    this.#world = world;
  }

  async answer(asked: AskedQuestion, signal: AbortSignal): Promise<Outcome> {
    const pictures: string[] = [];
    for (const picture of asked.pictures) {
      const uri = dataUriOf(await pictureBytes(picture));
      if (uri === undefined) return { kind: "refused", code: "picture_unreadable" };
      pictures.push(uri);
    }
    const { model, maxTokens = asked.canvas, asksLogprobs } = this.#endpoint;
    const question = {
      model,
      messages: asked.messages,
      pictures,
      maxTokens,
      stop: asked.stop,
      asksLogprobs,
    };
    for (let attempt = 1; ; attempt++) {
      const startedMs = this.#world.now();
      const reply = await this.#ask({ ...question, refused: this.#refused }, signal);
      if (reply.kind === "fatal") throw new EndpointFault(`${this.name}: ${reply.said}`);
      if (reply.kind === "json") {
        const read = this.#wire.answerOf(reply.value);
        if (read !== undefined) return this.#answered(read, this.#world.now() - startedMs);
        return this.#counted(
          { kind: "failed", code: "not_the_api" },
          "its reply is none of OpenAI's form",
        );
      }
      if (reply.kind === "refused") {
        if (this.#learns(reply.parameter, reply.said)) continue;
        return this.#counted({ kind: "refused", code: reply.code }, reply.said);
      }
      const isTooLong = (reply.waitSeconds ?? 0) > MAX_RETRY_AFTER_SECONDS;
      if (attempt === MAX_ATTEMPTS || isTooLong)
        return this.#counted({ kind: "failed", code: reply.code }, reply.said);
      await this.#world.sleep(waitMs(attempt, reply.waitSeconds, this.#world), signal);
    }
  }

  async #ask(question: WireQuestion, signal: AbortSignal): Promise<EndpointReply> {
    const { url, apiKey } = this.#endpoint;
    try {
      const reply = await fetch(`${url}${this.#wire.path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify(this.#wire.bodyOf(question)),
        // The key is for this host and no other.
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(REPLY_TIMEOUT_MS)]),
      });
      return await readReply(reply, this.#world);
    } catch (cause) {
      signal.throwIfAborted();
      const said =
        cause instanceof Error && cause.cause instanceof Error
          ? cause.cause.message
          : String(cause);
      // Where nobody has ever replied the address is wrong, or nothing is up.
      if (!this.#hasAnswered && isRefusedConnection(cause))
        return { kind: "fatal", said: `cannot be reached (${said})` };
      return { kind: "passing", code: "connection", said, waitSeconds: undefined };
    }
  }

  /** Whether the next attempt does without what was refused. */
  #learns(parameter: string, said: string): boolean {
    const found = OPTIONAL_PARAMETERS.find(
      (name) => !this.#refused.has(name) && (parameter === name || said.includes(`'${name}'`)),
    );
    if (found !== undefined) this.#refused.add(found);
    return found !== undefined;
  }

  #answered(read: WireAnswer, ms: number): Outcome {
    if (read.refusal !== undefined) return { kind: "refused", code: read.refusal };
    this.#hasAnswered = true;
    this.#unanswered = 0;
    return answeredOf(read, this.#endpoint, ms);
  }

  /** Passes an outcome on; throws EndpointFault where too many before it were none either. */
  #counted(outcome: Outcome & { readonly code: string }, said: string): Outcome {
    // Of a model that has answered, refusals are an answer of their own kind.
    if (outcome.kind === "refused" && this.#hasAnswered) return outcome;
    this.#unanswered += 1;
    if (this.#unanswered < MAX_UNANSWERED) return outcome;
    throw new EndpointFault(
      `${this.name}: ${MAX_UNANSWERED} questions in a row got no answer; the last one ${outcome.code}: ${said}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function answeredOf(read: WireAnswer, { price }: Endpoint, ms: number): Answered {
  const isPriced = price !== undefined && read.tokens !== undefined;
  return {
    kind: "answered",
    answer: read.text,
    isCut: read.isCut,
    confidence: read.logprobs.length === 0 ? null : Math.min(1, Math.exp(mean(read.logprobs))),
    inDomain: null,
    abstained: false,
    steps: 0,
    rows: 0,
    chargedMicros: isPriced ? tokenCost(price, read.tokens) : null,
    modelDigest: null,
    ms,
  };
}

/** Nobody listens there, or there is no such place; as opposed to a connection that breaks. */
function isRefusedConnection(cause: unknown): boolean {
  const { code }: { code?: unknown } =
    cause instanceof Error && typeof cause.cause === "object" && cause.cause !== null
      ? cause.cause
      : {};
  return code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "ERR_INVALID_URL";
}
