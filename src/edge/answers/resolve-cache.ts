import type { ModelCard } from "#domain/quote.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { CacheCaller, CacheOutcome, Lookup } from "../cache/answer-cache.ts";
import { answerCacheOf } from "../cache/cache-client.ts";
import type { CallerContext } from "../caller-context.ts";
import { poolOwnerOf, viewerOf } from "../keys/viewer.ts";
import { answersOf } from "./answer-client.ts";
import { type Admitted, type AskingCaller, isAccepted } from "./asking.ts";
import type { LedAnswer } from "./storage/answer-order.ts";

/** What is known of a question when it comes. */
export type CacheResolution =
  | Extract<Lookup, { kind: "hit" | "bypass" }>
  /** `left`: a leader that was waited for and left; its work may still be there to go on with. */
  | { readonly kind: "lead"; readonly key: string; readonly left: LedAnswer | null }
  | { readonly kind: "collapsed"; readonly key: string; readonly body: AnswerBody }
  | { readonly kind: "joined"; readonly key: string; readonly leader: LedAnswer }
  | { readonly kind: "absent" };

/** Runs that come to nothing are passed over so often; then the question is answered without the cache. */
const MAX_LEADERS = 5;

/**
 * Looks for an answer, or for an equal question under way: a caller that is told an id takes part in its work; one that
 * waits for the reply waits for its end, and looks again where that is no whole answer.
 */
export async function resolveCache({
  caller,
  asking,
  job,
  deadlineAt,
}: Admitted): Promise<CacheResolution> {
  const { request, directives } = asking;
  const { id: answerId, card, question } = job;
  const cache = answerCacheOf(caller.bindings);
  let left: LedAnswer | null = null;
  for (let leaders = 0; leaders < MAX_LEADERS; leaders += 1) {
    const notLeader = left?.answerId ?? null;
    const hasOwnId = asking.response !== undefined;
    const terms = { answerId, pool: request.cache, directives, notLeader, hasOwnId };
    const looked: Lookup = await cache.lookUp(cacheCallerOf(caller, card), question, terms);
    if (looked.kind === "bypass" && directives.onlyIfCached) return { kind: "absent" };
    if (looked.kind === "lead") return { ...looked, left };
    if (looked.kind !== "join") return looked;
    const { key, leaderId, leaderAccountId } = looked;
    const leader = { answerId: leaderId, accountId: leaderAccountId };
    if (isAccepted(asking)) return { kind: "joined", key, leader };
    const leftMs = deadlineAt === null ? null : Math.max(0, deadlineAt - Date.now());
    const body = await answersOf(caller.bindings).watch(leader, leftMs);
    const isOwn = !hasOwnId && request.cache === "private" && maySeeLeader(caller, leader);
    const own = body === null || isOwn ? body : { ...body, id: answerId };
    if (own?.status === "completed") return { kind: "collapsed", key, body: own };
    if (own !== null && own.ended_at === null)
      return { kind: "collapsed", key, body: asPartial(own) };
    left = leader;
  }
  return { kind: "bypass" };
}

function cacheCallerOf(
  { bindings: { FLEET }, settings, key, clientToken, requestId, waitUntil }: AskingCaller,
  card: ModelCard,
): CacheCaller {
  const poolOwner = poolOwnerOf(key, clientToken);
  return { ...viewerOf(key, clientToken), settings, card, poolOwner, FLEET, requestId, waitUntil };
}

/** In a private pool: the id of another caller's answer is not told; a caller that joined it gets an id of its own. In a pool that one caller has alone, every id is that caller's. */
function maySeeLeader({ key, clientToken }: CallerContext, { accountId }: LedAnswer): boolean {
  return accountId === key.accountId && clientToken?.sharesCache !== true;
}

/** At the joiner's own deadline the leader's canvas is the joiner's partial answer. */
function asPartial(body: AnswerBody): AnswerBody {
  return { ...body, status: "partial", ended_at: new Date().toISOString() };
}

/** What a question is made on that has no answer yet. */
export type Unanswered = Extract<CacheResolution, { kind: "joined" | "lead" | "bypass" }>;

/** Says in whose work it takes part. */
export function leaderOf(resolution: Unanswered): LedAnswer | null {
  switch (resolution.kind) {
    case "joined":
      return resolution.leader;
    case "lead":
      return resolution.left;
    case "bypass":
      return null;
    default:
      return resolution satisfies never;
  }
}

/** Says what the caller is told of the cache. */
export function outcomeOf(resolution: Unanswered): CacheOutcome {
  switch (resolution.kind) {
    case "joined":
      return { kind: "collapsed", key: resolution.key };
    case "lead":
      return { kind: "miss", key: resolution.key };
    case "bypass":
      return { kind: "bypass" };
    default:
      return resolution satisfies never;
  }
}
