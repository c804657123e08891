import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import { faultOfPage, refusalWords, somethingElse, type Words } from "../../parts/words.ts";

/** What went wrong on the dashboard, and what helps. */
export interface AccountTrouble extends Words<"try_again" | "sign_in"> {
  /** Milliseconds after which it is worth asking again, where the service said so. */
  readonly waitMs?: number;
}

/** A session ends by itself, by a sign-out in another tab, or with the key that it came from. */
export const sessionOver: AccountTrouble = {
  title: "Your session is over",
  advice:
    "Sessions are short; they also end when you sign out elsewhere, and with the key that opened them. Sign in again: what you typed is still here.",
  action: "sign_in",
};

/** Says what happened and what to do. `isOnline`: what the browser knows of the network. */
export function accountTroubleOf(cause: unknown, isOnline: boolean): AccountTrouble {
  if (cause instanceof RefusedError) return refusedTrouble(cause);
  if (cause instanceof ConnectionError) return connectionTrouble(isOnline);
  if (cause instanceof ReplyError) return { ...somethingElse, action: "try_again" };
  return faultOfPage(cause);
}

/** At the door nothing has ended: what was given opens nothing. */
export function signInTroubleOf(cause: unknown, isOnline: boolean): AccountTrouble {
  const { action, ...trouble } = accountTroubleOf(cause, isOnline);
  if (!isSignedOut(cause)) return trouble;
  return {
    ...trouble,
    title: "This opens no session",
    advice:
      "A key may have been revoked, or miss its end; a one-time code opens one session, within minutes. Paste it again whole, or get another.",
  };
}

/** Whether a refusal means that nobody is signed in. */
export function isSignedOut(cause: unknown): boolean {
  return cause instanceof RefusedError && cause.status === 401;
}

function refusedTrouble(refused: RefusedError): AccountTrouble {
  const words = refusalWords(refused);
  const { status, retryAfterSeconds, problem } = refused;
  if (status === 401) return { ...sessionOver, ...referenceOf(words) };
  if (status === 429) {
    const waitMs = (retryAfterSeconds ?? DEFAULT_WAIT_SECONDS) * 1000;
    return {
      ...words,
      advice: `${problem.detail} This is asked again by itself in ${Math.ceil(waitMs / 1000)} s.`,
      action: "try_again",
      waitMs,
    };
  }
  if (problem.code === "scope_missing")
    return {
      ...words,
      title: "This session may not do that",
      advice: `${problem.detail} A session may do what the key may that opened it: sign in with one that has the scope.`,
    };
  return problem.retryable ? { ...words, action: "try_again" } : words;
}

/** Where the service names no time: long enough for a minute's allowance to have moved. */
const DEFAULT_WAIT_SECONDS = 10;

function referenceOf({ reference }: Words): Pick<Words, "reference"> {
  return reference === undefined ? {} : { reference };
}

function connectionTrouble(isOnline: boolean): AccountTrouble {
  return isOnline
    ? {
        title: "The service cannot be reached",
        advice:
          "Is it still running, and the address right? What is shown here is as it was; nothing you typed is lost.",
        action: "try_again",
      }
    : {
        title: "This device is offline",
        advice:
          "What is shown here is as it was. It is asked for again by itself when the network is back.",
        action: "try_again",
      };
}
