import type { ModelCard } from "#domain/quote.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Owner, Viewer } from "../keys/viewer.ts";
import type { CatalogCaller } from "../models/catalog.ts";
import type { AskedQuestion } from "../questions/question-picture.ts";
import type { Settings } from "../settings.ts";

/** For whom the cache is looked into. */
export interface CacheCaller extends Viewer, CatalogCaller {
  readonly settings: Pick<Settings, "functionUrls" | "functionKeys" | "canaries">;
  /** Of the model that is asked. */
  readonly card: Pick<ModelCard, "id" | "hitPrice" | "read">;
  /** Whose private pool it is: the caller's own, or null for the account's, which a client token's answers may share. */
  readonly poolOwner: Owner;
}

/** What the request's `Cache-Control` asks for. Source: RFC 9111 section 5.2.1. */
export interface CacheDirectives {
  /** Neither looked up nor stored. */
  readonly noStore: boolean;
  /** Not looked up, but stored. */
  readonly noCache: boolean;
  readonly onlyIfCached: boolean;
  /** Seconds; null is any age. */
  readonly maxAge: number | null;
}

/** How the cache came into an answer: what `Cache-Status` and `Age` say. */
export type CacheOutcome =
  | { readonly kind: "bypass" }
  | { readonly kind: "miss"; readonly key: string }
  /** A run of the same question was under way. */
  | { readonly kind: "collapsed"; readonly key: string }
  | {
      readonly kind: "hit";
      readonly key: string;
      readonly ageSeconds: number;
      readonly ttlSeconds: number;
    };

/** What is known of a question when it comes. */
export type Lookup =
  /** Not to be cached, or the cache cannot be reached: run it, store nothing. */
  | { readonly kind: "bypass" }
  /** It is neither stored nor under way: the caller runs it as the leader of its key, and `abandon`s the key if it does not start. */
  | { readonly kind: "lead"; readonly key: string }
  /** The leader's answer, under way: wait for it, and ask again if it does not come to be completed. */
  | {
      readonly kind: "join";
      readonly key: string;
      readonly leaderId: string;
      /** Whose the leader is: in the shared pool not always the caller's. */
      readonly leaderAccountId: string;
    }
  | {
      readonly kind: "hit";
      readonly key: string;
      readonly body: AnswerBody;
      readonly ageSeconds: number;
      readonly ttlSeconds: number;
    };

/** An answer that leads a key. */
export interface Leader {
  readonly answerId: string;
  readonly accountId: string;
}

/** Answers that were given before, by the digest of everything that determined them. Nothing in it but `forget` ever throws: a fault is a miss. */
export interface AnswerCache {
  /** `answerId`: under which the caller would lead; `pool`: whose questions share it; `notLeader`: a leader that came to nothing. */
  lookUp(
    caller: CacheCaller,
    question: AskedQuestion,
    terms: {
      readonly answerId: string;
      readonly pool: "private" | "shared" | "off";
      readonly directives: CacheDirectives;
      readonly notLeader: string | null;
      /** Whether a hit is told under `answerId` in any pool. Absent: no. */
      readonly hasOwnId?: boolean;
    },
  ): Promise<Lookup>;
  /** Says who leads a key whose leader was lost before its work began: `answer`, unless another came before it. */
  succeed(key: string, answer: Leader, lost: Leader): Promise<Leader>;
  /** Lets go of a key that `answerId` leads and will not fill. */
  abandon(key: string, answerId: string): Promise<void>;
  /** Keeps a completed answer, no longer than its object does: `keptUntil`, milliseconds since 1970. Called by its object, once it is paid. */
  store(key: string, body: AnswerBody, keptUntil: number): Promise<void>;
  /** Forgets the answer under a key, if it is this one. Rejects where its object cannot be reached. */
  forget(key: string, answerId: string): Promise<void>;
}
