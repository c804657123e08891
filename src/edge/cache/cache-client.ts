import { toNumber } from "#domain/micros.ts";
import { readStyleOf } from "#domain/read-style.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import { logFault } from "../log.ts";
import { ModelCatalog } from "../models/catalog.ts";
import { digestServed } from "../models/serving.ts";
import { type AskedQuestion, pictureDigest } from "../questions/question-picture.ts";
import type { AnswerCache, CacheCaller, Lookup } from "./answer-cache.ts";
import { readEntry, writeEntry } from "./cache-entry.ts";
import { cacheKeyOf } from "./cache-key.ts";
import { CacheMemory, type Remembered } from "./cache-memory.ts";
import type { CacheObject, Claim, Claimed } from "./cache-object.ts";

/** A caller that found no answer under a leader's id asks again after as long as that leader has led, within these bounds. */
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1_500;

/** What is asked of the cache besides the question. */
type Terms = Parameters<AnswerCache["lookUp"]>[2];

/** A cache that takes longer than this is not there. A crowd with one question is better kept waiting than let run. */
const PATIENCE_MS = 5_000;

/** Where the cache is bound. */
export interface CacheBinding {
  /** One object per cache key. */
  readonly CACHE: DurableObjectNamespace<CacheObject>;
}

/** What an isolate remembers between requests: answers that it tells without leaving itself, and, where it is not the isolate's own, which weights are served. */
export interface CacheFront {
  readonly answers: CacheMemory<AnswerBody>;
  readonly catalog?: ModelCatalog;
}

/** A front that remembers nothing yet. */
export function newCacheFront(): CacheFront {
  return { answers: new CacheMemory(), catalog: new ModelCatalog() };
}

const ownFront: CacheFront = { answers: new CacheMemory() };

/** The cache of all accounts: an object per key, and in front of it what this isolate remembers. */
export function answerCacheOf(bindings: CacheBinding, front: CacheFront = ownFront): AnswerCache {
  const objectOf = (key: string): DurableObjectStub<CacheObject> => bindings.CACHE.getByName(key);
  return {
    lookUp: async (caller, question, terms) => {
      if (terms.pool === "off" || terms.directives.noStore) return { kind: "bypass" };
      try {
        const found = await withPatience(lookUp({ objectOf, front }, caller, question, terms));
        if (found.kind === "join" && found.leaderId === terms.notLeader)
          await pause(found.ageMs ?? 0);
        return found;
      } catch (cause) {
        logFault("the answer cache cannot be reached", caller.requestId, cause);
        return { kind: "bypass" };
      }
    },
    succeed: async (key, answer, lost) => {
      try {
        return await objectOf(key).succeed(answer, lost.answerId);
      } catch (cause) {
        logFault("nobody says who leads a question now; it is answered twice", key, cause);
        return answer;
      }
    },
    abandon: async (key, answerId) => {
      try {
        await objectOf(key).abandon(answerId);
      } catch (cause) {
        logFault("a cache key could not be let go; its lease will end", answerId, cause);
      }
    },
    forget: async (key, answerId) => {
      front.answers.drop(key);
      await objectOf(key).forget(answerId);
    },
    store: async (key, body, keptUntil) => {
      try {
        await store(objectOf(key), body, keptUntil);
      } catch (cause) {
        logFault("an answer could not be cached", body.id, cause);
      }
    },
  };
}

/** `ageMs`: since the leader took the lead. */
type TimedLookup = Lookup & { readonly ageMs?: number };

interface Places {
  readonly objectOf: (key: string) => DurableObjectStub<CacheObject>;
  readonly front: CacheFront;
}

async function lookUp(
  places: Places,
  caller: CacheCaller,
  question: AskedQuestion,
  terms: Terms,
): Promise<TimedLookup> {
  const { card, settings } = caller;
  const { catalog } = places.front;
  const modelDigest = await digestServed(card.id, settings, caller, {
    answerId: terms.answerId,
    ...(catalog === undefined ? {} : { catalog }),
  });
  if (modelDigest === undefined) return { kind: "bypass" };
  const key = await keyOf(caller, question, terms.pool === "shared", modelDigest);
  const { noCache: isFresh, onlyIfCached, maxAge } = terms.directives;
  const maxAgeMs = maxAge === null ? null : maxAge * 1000;
  const now = Date.now();
  const remembered = isFresh ? undefined : places.front.answers.find(key, now);
  if (remembered !== undefined && (maxAgeMs === null || now - remembered.storedAt <= maxAgeMs))
    return hit(key, remembered, caller, terms);
  const { accountId } = caller;
  const { answerId, notLeader } = terms;
  const mayLead = !onlyIfCached;
  const claim: Claim = {
    answerId,
    accountId,
    modelDigest,
    isFresh,
    mayLead,
    maxAgeMs,
    notLeader,
  };
  return await claimed(places, key, claim, caller, terms);
}

/** Asks once more where the first entry was damaged; a second one means that the cache is broken. */
async function claimed(
  { objectOf, front }: Places,
  key: string,
  claim: Claim,
  caller: CacheCaller,
  terms: Terms,
): Promise<TimedLookup> {
  const object = objectOf(key);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const reply: Claimed = await object.claim(claim);
    switch (reply.kind) {
      case "lead":
        front.answers.drop(key);
        return { kind: "lead", key };
      case "join":
        return { ...reply, key };
      case "absent":
        return { kind: "bypass" };
      case "hit": {
        const answer = await readEntry(reply.entry);
        if (answer !== undefined) {
          front.answers.keep(key, answer, Date.now());
          return hit(key, answer, caller, terms);
        }
        logFault("a cached answer is damaged and was deleted", caller.requestId, key);
        await object.drop(reply.entry);
        break;
      }
      default:
        return reply satisfies never;
    }
  }
  return { kind: "bypass" };
}

/** So long before the first answer is forgotten it is no more told under its own id: who is told it fetches it now. */
const FIRST_ID_MARGIN_MS = 60_000;

/**
 * In a pool of one's own a hit is the very answer that was given first, under its id. In one that is shared, with other
 * accounts or by a client token with its account, that may be another's, which its id must not tell: each hit is an answer
 * of its own, under the id that the caller brought. So is one that is told with terms of its own.
 */
function hit(
  key: string,
  { body, storedAt, expiresAt }: Remembered<AnswerBody>,
  { card, owner, poolOwner }: CacheCaller,
  { answerId, pool, hasOwnId = false }: Terms,
): Lookup {
  const now = Date.now();
  const isOwn = !hasOwnId && pool === "private" && owner === poolOwner;
  const isFirst = isOwn && now < expiresAt - FIRST_ID_MARGIN_MS;
  const id = isFirst ? body.id : answerId;
  const charged_micros = toNumber(card.hitPrice);
  return {
    kind: "hit",
    key,
    body: { ...body, id, cached: true, charged_micros },
    ageSeconds: Math.max(0, Math.floor((now - storedAt) / 1000)),
    ttlSeconds: Math.max(0, Math.floor((expiresAt - now) / 1000)),
  };
}

async function keyOf(
  { card, accountId, poolOwner }: CacheCaller,
  { images, messages, options, read }: AskedQuestion,
  isShared: boolean,
  modelDigest: string,
): Promise<string> {
  const pictures = await Promise.all(images.map(pictureDigest));
  return await cacheKeyOf({
    pool: isShared ? { kind: "shared" } : { kind: "private", accountId, owner: poolOwner },
    model: card.id,
    modelDigest,
    decoder: DECODER_VERSION,
    pictures,
    messages,
    options,
    ...(read === undefined ? {} : { reading: { order: read, style: readStyleOf(card) } }),
  });
}

async function store(
  object: DurableObjectStub<CacheObject>,
  body: AnswerBody,
  keptUntil: number,
): Promise<void> {
  const entry = await writeEntry(body, Date.now(), keptUntil);
  if (entry !== null && body.model_digest !== null) await object.store(entry, body.model_digest);
}

/** Later each time, so that a slow leader is not asked after at every moment. */
async function pause(ageMs: number): Promise<void> {
  const milliseconds = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, ageMs));
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function withPatience<Value>(work: Promise<Value>): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`no reply within ${PATIENCE_MS} ms`)),
    PATIENCE_MS,
  );
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
