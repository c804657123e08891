/** How long what is kept of an account's questions stays, each counted from its own beginning. Milliseconds. */
export interface Retention {
  /** Question, pictures and frames, from the end of their answer: to replay it, and to resume its stream. Never longer than the answer. */
  readonly questionMs: number;
  /** The answer, from its end; so long too, at the most, it lies in the cache. */
  readonly answerMs: number;
  /** What webhooks were told, from when they were; what is still on its way stays until it arrived or was given up. */
  readonly deliveryMs: number;
  /** An uploaded picture, from when it was uploaded last. */
  readonly uploadMs: number;
}

/** As `Retention`, of one answer. */
export interface AnswerKeeping extends Omit<Retention, "uploadMs"> {
  /** False: nothing of it stays once it was delivered, and its times say nothing. */
  readonly isStored: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS: number = 24 * HOUR_MS;

/**
 * The longest that a deployment or an account may set. Threat: a bucket's rule that deletes large pictures while their question is
 * still kept: it does so 3 days after they were stored (infra/storage/README.md), of which a day is for the making.
 */
export const longestRetention: Retention = {
  questionMs: DAY_MS,
  answerMs: 30 * DAY_MS,
  deliveryMs: 30 * DAY_MS,
  // The bucket's rule for uploads deletes a day later.
  uploadMs: 30 * DAY_MS,
};

/** The shortest: an answer that was promised an id is there to be fetched, and an upload to be asked about. */
export const shortestRetention: Retention = {
  questionMs: 0,
  answerMs: 60_000,
  deliveryMs: 0,
  uploadMs: 60_000,
};

/** What holds where nobody says otherwise. */
export const standardRetention: Retention = {
  questionMs: DAY_MS,
  answerMs: 7 * DAY_MS,
  deliveryMs: 30 * DAY_MS,
  uploadMs: 30 * DAY_MS,
};

/** What one request asks for, null where it says nothing. */
export interface AskedKeeping {
  readonly isStored: boolean;
  readonly questionMs: number | null;
  readonly answerMs: number | null;
}

/** The keeping of an answer: its account's, or shorter where its request says so. What is told of it stays no longer than that either. */
export function keepingOf(account: Retention, asked: AskedKeeping): AnswerKeeping {
  const answerMs = Math.min(account.answerMs, asked.answerMs ?? account.answerMs);
  const questionMs = Math.min(account.questionMs, asked.questionMs ?? account.questionMs, answerMs);
  const deliveryMs = Math.min(account.deliveryMs, asked.answerMs ?? account.deliveryMs);
  return { isStored: asked.isStored, questionMs, answerMs, deliveryMs };
}

/** How long an answer that is not stored waits for somebody to fetch it, from its end: long enough to come back after `202`. */
export const UNSTORED_MS: number = 10 * 60_000;

/**
 * How long one whose end was streamed can still be resumed: what was handed to a connection may not have arrived, and nobody is told.
 * A reply that is lost is lost.
 */
export const UNSTORED_STREAM_MS = 60_000;

/** How long a notice of such an answer is tried for: four attempts. Source: infra/docs/facts.md#schedule-of-webhook-deliveries. */
export const UNSTORED_NOTICE_MS: number = HOUR_MS;
