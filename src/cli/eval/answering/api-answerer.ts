import type { Answer } from "#client/answer-stream.ts";
import type { Ask } from "#client/ask.ts";
import { type Client, createClient } from "#client/client.ts";
import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import type { Connection } from "../../connection.ts";
import type { World } from "../world.ts";
import type { Answerer, AskedQuestion } from "./answerer.ts";
import { askedForField, CHOICE_FIELD } from "./choice-field.ts";
import { pictureBytes } from "./picture-bytes.ts";
import { MAX_ATTEMPTS, waitMs } from "./retry.ts";

export interface ApiAnswererOptions {
  readonly connection: Connection;
  /** Absent: the one that is served. */
  readonly model?: string;
  /** Whether answers may come from the cache, which makes latency and charge those of the cache. */
  readonly usesCache: boolean;
  readonly world: World;
  /** For tests. */
  readonly client?: Pick<Client, "ask">;
}

/** Refusals that mean this question and not the next one too. */
const QUESTION_STATUSES: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Answers through the API; waits and asks again where the service says that it is busy or cannot be reached. */
export function apiAnswerer({
  connection,
  model,
  usesCache,
  world,
  client = createClient(connection),
}: ApiAnswererOptions): Answerer {
  let hasReplied = false;
  return {
    name: connection.baseUrl,
    async answer(asked, signal) {
      const { pictures, mode, refresh } = asked;
      const ask = {
        ...wantedOf(asked),
        images: await Promise.all(pictures.map(pictureBytes)),
        ...(mode === undefined ? {} : { mode }),
        ...(refresh === undefined ? {} : { refresh }),
        ...(usesCache ? {} : { cache: "off" as const }),
        ...(model === undefined ? {} : { model }),
      };
      for (let attempt = 1; ; attempt++) {
        const startedMs = world.now();
        try {
          const answer = await client.ask(ask, { signal });
          hasReplied = true;
          // A service of before says nothing of either.
          const { in_domain = null, abstained = false }: Partial<Answer> = answer;
          return {
            kind: "answered",
            answer: saidIn(answer, asked),
            isCut: false,
            confidence: answer.confidence,
            inDomain: in_domain,
            abstained,
            steps: answer.usage.steps,
            rows: answer.usage.rows,
            chargedMicros: answer.charged_micros,
            modelDigest: answer.model_digest,
            ms: world.now() - startedMs,
          };
        } catch (cause) {
          signal.throwIfAborted();
          hasReplied ||= cause instanceof RefusedError;
          if (cause instanceof RefusedError && isQuestions(cause))
            return { kind: "refused", code: cause.problem.code };
          // Where nobody has ever replied the address is wrong, or nothing is up: the client itself has tried often enough.
          if (!isPassing(cause) || attempt === MAX_ATTEMPTS || !hasReplied) throw cause;
          const named = cause instanceof RefusedError ? cause.retryAfterSeconds : undefined;
          await world.sleep(waitMs(attempt, named, world), signal);
        }
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** What is asked of the pictures: words, or one of the choices. */
function wantedOf({ messages, choices, canvas, steps, blockLength, stop }: AskedQuestion): Ask {
  if (choices !== undefined) {
    const { messages: said, instructions } = askedForField(messages);
    const field = { type: "choice", instructions, criteria: choices } as const;
    return { messages: said, fields: { [CHOICE_FIELD]: field } };
  }
  return {
    ...{ messages, canvas, steps },
    ...(stop.length === 0 ? {} : { stop }),
    ...(blockLength === undefined ? {} : { block_length: blockLength }),
  };
}

function saidIn({ answer, fields }: Answer, { choices }: AskedQuestion): string {
  if (choices === undefined) return answer;
  const field = fields?.[CHOICE_FIELD];
  if (field === undefined || !("guess" in field))
    throw new ReplyError("this service reads no fields: it is older than this command");
  return String(field.guess);
}

function isQuestions({ problem }: RefusedError): boolean {
  return !problem.retryable && QUESTION_STATUSES.has(problem.status);
}

function isPassing(cause: unknown): boolean {
  return (
    (cause instanceof ConnectionError && !cause.isLasting) ||
    (cause instanceof RefusedError && cause.problem.retryable)
  );
}
