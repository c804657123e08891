import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "#client/answer-stream.ts";
import { type Client, createClient } from "#client/client.ts";
import { ConnectionError, RefusedError } from "#client/errors.ts";
import type { Connection } from "../../connection.ts";
import type { TestPicture } from "../files/question-file.ts";
import type { Answerer } from "./answerer.ts";

export interface ApiAnswererOptions {
  readonly connection: Connection;
  /** Absent: the one that is served. */
  readonly model?: string;
  /** Whether answers may come from the cache, which makes latency and charge those of the cache. */
  readonly usesCache: boolean;
  /** For tests. */
  readonly client?: Pick<Client, "ask">;
}

/** Attempts at one question before the evaluation gives up: the service has then been away for minutes. */
const MAX_ATTEMPTS = 8;

/** Longest wait between attempts where the service names none. */
const MAX_WAIT_SECONDS = 30;

/** Refusals that mean this question and not the next one too. */
const QUESTION_STATUSES: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Answers through the API; waits and asks again where the service says that it is busy or cannot be reached. */
export function apiAnswerer({
  connection,
  model,
  usesCache,
  client = createClient(connection),
}: ApiAnswererOptions): Answerer {
  let hasReplied = false;
  return {
    name: connection.baseUrl,
    async answer({ messages, pictures, canvas, steps, mode, refresh }, signal) {
      const ask = {
        messages,
        images: await Promise.all(pictures.map(imageOf)),
        canvas,
        steps,
        ...(mode === undefined ? {} : { mode }),
        ...(refresh === undefined ? {} : { refresh }),
        ...(usesCache ? {} : { cache: "off" as const }),
        ...(model === undefined ? {} : { model }),
      };
      for (let attempt = 1; ; attempt++) {
        try {
          const answer = await client.ask(ask, { signal });
          hasReplied = true;
          // A service of before says nothing of either.
          const { in_domain = null, abstained = false }: Partial<Answer> = answer;
          return {
            kind: "answered",
            answer: answer.answer,
            confidence: answer.confidence,
            inDomain: in_domain,
            abstained,
            steps: answer.usage.steps,
            rows: answer.usage.rows,
            chargedMicros: answer.charged_micros,
            modelDigest: answer.model_digest,
          };
        } catch (cause) {
          signal.throwIfAborted();
          hasReplied ||= cause instanceof RefusedError;
          if (cause instanceof RefusedError && isQuestions(cause))
            return { kind: "refused", code: cause.problem.code };
          // Where nobody has ever replied the address is wrong, or nothing is up: the client itself has tried often enough.
          if (!isPassing(cause) || attempt === MAX_ATTEMPTS || !hasReplied) throw cause;
          await sleep(waitSeconds(cause, attempt) * 1000, undefined, { signal });
        }
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function imageOf(picture: TestPicture): Promise<Uint8Array<ArrayBuffer>> {
  switch (picture.kind) {
    case "file":
      return new Uint8Array(await readFile(picture.path));
    case "bytes":
      return picture.bytes;
    default:
      throw new TypeError(`no such picture: ${picture satisfies never}`);
  }
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

function waitSeconds(cause: unknown, attempt: number): number {
  const named = cause instanceof RefusedError ? cause.retryAfterSeconds : undefined;
  return named ?? Math.min(MAX_WAIT_SECONDS, 2 ** (attempt - 1));
}
