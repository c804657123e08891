import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { sha256Hex } from "#wire/digest.ts";
import { encodeGenerate } from "#wire/generate.ts";
import type { AnswerRequest } from "#wire/requests.ts";
import type { EdgeEnv } from "../env.ts";
import type { IdempotentRequest } from "../ledger/ledger.ts";

/** Threat: keys fill the account's ledger. 255 is what draft-ietf-httpapi-idempotency-key and its users expect to fit. */
const keyShape = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/**
 * Reads `Idempotency-Key`; null where none is sent. Two bodies are the same when they ask for the same: a form and JSON,
 * streamed or not. Refuses with `idempotency_key_invalid`.
 */
export async function idempotencyOf(
  c: Context<EdgeEnv>,
  { question, model, maximum }: AnswerRequest,
): Promise<Result<IdempotentRequest | null, Failure>> {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return ok(null);
  if (!keyShape.test(key)) return refuse({ kind: "idempotency_key_invalid" });
  const terms = new TextEncoder().encode(
    `${JSON.stringify([model ?? null, maximum === null ? null : Number(maximum)])}\n`,
  );
  const body = encodeGenerate(question);
  const canonical = new Uint8Array(terms.length + body.length);
  canonical.set(terms);
  canonical.set(body, terms.length);
  return ok({
    scope: `${c.get("key").id} ${c.req.path} ${key}`,
    fingerprint: await sha256Hex(canonical),
  });
}
