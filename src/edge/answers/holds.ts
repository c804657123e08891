import { add, type Micros, ZERO } from "#domain/micros.ts";
import type { ModelCard } from "#domain/quote.ts";
import { ok, type Result } from "#domain/result.ts";
import type { AnswerRequest } from "#wire/api/answers/requests.ts";
import type { CallerContext } from "../caller-context.ts";
import { ownerOf } from "../keys/viewer.ts";
import { type LedgerBinding, ledgerOf } from "../ledger/ledger-client.ts";
import type {
  HoldRequest,
  IdempotentRequest,
  LetIn,
  RefusedHold,
} from "../ledger/ledger-service.ts";
import { askedIn } from "../questions/question-picture.ts";
import { appraise, measure } from "./admit.ts";
import type { Job } from "./storage/answer-order.ts";

/** Which key, client token and subject pay, and within which limits. */
type Payer = Pick<HoldRequest, "keyId" | "keyLimits" | "accountLimits" | "spendCap" | "subject">;

/** What of a request decides whether it is let in. */
type LetInRequest = Pick<AnswerRequest, "messages" | "options" | "read"> & {
  readonly pictures: readonly { readonly kind: string }[];
};

/** Asks the ledger to set a price aside for the caller. */
export function holdOf(
  caller: CallerContext,
  { id: holdId, accountId, card }: Pick<Job, "id" | "accountId" | "card">,
  terms: Omit<HoldRequest, "holdId" | "accountId" | "model" | keyof Payer>,
): HoldRequest {
  return { holdId, accountId, model: card.id, ...payerOf(caller), ...terms };
}

/**
 * Lets questions in before the pictures that they name by address are fetched: it costs us a place at the fetch hop, so who
 * has no credit or has asked too often is refused without. Null where nothing is fetched: then the hold does it all.
 */
export async function letIn(
  caller: CallerContext<LedgerBinding>,
  requests: readonly LetInRequest[],
  {
    card,
    ...terms
  }: {
    readonly card: ModelCard;
    readonly steps: number;
    readonly idempotency: IdempotentRequest | null;
  },
): Promise<Result<LetIn | null, RefusedHold>> {
  const mustFetch = requests.some(({ pictures }) => pictures.some(({ kind }) => kind === "url"));
  if (!mustFetch) return ok(null);
  const amount = requests.reduce((sum, request) => add(sum, leastPrice(card, request)), ZERO);
  const ledger = ledgerOf(caller.bindings, caller.key.accountId);
  return await ledger.letIn({ ...payerOf(caller), ...terms, amount });
}

/** What it costs if its pictures cost nothing: more is not known before they are there. */
function leastPrice(card: ModelCard, request: LetInRequest): Micros {
  const asked = measure({ ...askedIn(request), images: [] });
  const appraised = asked.ok ? appraise(asked.value, card) : asked;
  return appraised.ok ? appraised.value.quote.price : ZERO;
}

function payerOf({ key, clientToken }: CallerContext): Payer {
  return {
    keyId: key.id,
    keyLimits: key.limits,
    accountLimits: key.accountLimits,
    spendCap:
      clientToken === undefined
        ? null
        : {
            tokenId: clientToken.id,
            amount: clientToken.spendCap,
            expiresAt: clientToken.expiresAt,
          },
    subject:
      clientToken === undefined ? null : { owner: ownerOf(clientToken), ...clientToken.limits },
  };
}

/** The reply that a request with this Idempotency-Key was told before, as JSON text; null where it is new or has none. */
export async function recall(
  { bindings, key }: CallerContext<LedgerBinding>,
  idempotency: IdempotentRequest | null,
): Promise<Result<string | null, RefusedHold>> {
  if (idempotency === null) return ok(null);
  const earlier = await ledgerOf(bindings, key.accountId).recall(idempotency);
  if (earlier === null) return ok(null);
  if (!earlier.ok) return earlier;
  return ok(earlier.value.kind === "replay" ? earlier.value.reply : null);
}
