import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { modeTerms } from "#domain/modes.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequest } from "#wire/api/answers/requests.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { encodeGenerate } from "#wire/function/generate.ts";
import type { EdgeEnv } from "../env.ts";
import { viewerOf } from "../keys/viewer.ts";
import type { IdempotentRequest } from "../ledger/ledger-service.ts";
import { fileDigest } from "../questions/streamed-digest.ts";

/** Threat: keys fill the account's ledger. 255 is what draft-ietf-httpapi-idempotency-key and its users expect to fit. */
export const idempotencyKeyShape: RegExp = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/**
 * Reads `Idempotency-Key`; null where none is sent. Two bodies are the same when they ask for the same on the same
 * terms: a form and JSON, streamed or not. `named`: what else of the body tells two of them apart. Refuses with
 * `idempotency_key_invalid`.
 */
export async function idempotencyOf(
  c: Context<EdgeEnv>,
  { messages, options, read, pictures, model, maximum, deadlineMs, keeping }: AnswerRequest,
  card: Pick<ModelCard, "mode" | "refresh">,
  named: readonly string[] = [],
): Promise<Result<IdempotentRequest | null, Failure>> {
  if (c.req.header("idempotency-key") === undefined) return ok(null);
  const sources = await Promise.all(
    pictures.map(async (picture) =>
      picture.kind === "file"
        ? ["file", await fileDigest(picture.file)]
        : [picture.kind, picture.kind === "url" ? picture.url : picture.id],
    ),
  );
  const usual = modeTerms(card.mode, card.refresh.standard);
  // The mode that a request has which names none is no part of it: when that changes, a request that was paid is told again.
  const isUsual = options.mode === usual.mode && options.refresh === usual.refresh;
  const mode = isUsual ? [] : [options.mode, options.refresh];
  // Nor is what follows from its fields by the model's card.
  const planned = read === undefined ? {} : { canvas: 1, steps: 1, blockLength: 1 };
  const inExact = { ...options, ...modeTerms("exact", 1), ...planned };
  const asked = encodeGenerate({ messages, options: inExact, images: [] });
  const question = new TextDecoder().decode(asked);
  // As before for what is stored: what was asked of an earlier version is told again.
  const stored = keeping.isStored ? [] : ["not stored"];
  const price = maximum === null ? null : Number(maximum);
  const fields = read === undefined ? [] : [read];
  const terms = [model ?? null, price, deadlineMs, ...mode, ...stored, ...fields, ...named];
  const canonical = new TextEncoder().encode(JSON.stringify([terms, question, sources]));
  return await idempotentRequest(c, await sha256Hex(Uint8Array.from(canonical)));
}

/** Two users of an app may draw the same text: a client token's requests are its own, or its subject's. Neither has a space in it. */
function callerOf(c: Context<EdgeEnv>): string {
  const { id } = c.get("key");
  const { owner } = viewerOf(c.get("key"), c.get("clientToken"));
  return owner === null ? id : `${id} ${owner}`;
}

/** Reads `Idempotency-Key` of a request whose body has this digest, in one form for all equal ones; null where none is sent. */
export async function idempotentRequest(
  c: Context<EdgeEnv>,
  fingerprint: string,
): Promise<Result<IdempotentRequest | null, Failure>> {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return ok(null);
  if (!idempotencyKeyShape.test(key)) return refuse({ kind: "idempotency_key_invalid" });
  return ok({
    scope: `${callerOf(c)} ${c.req.path} ${key}`,
    fingerprint,
  });
}
