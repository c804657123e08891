import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import type { Failure } from "#domain/failure.ts";
import { faultOfPage, refusalWords, somethingElse, type Words } from "./parts/words.ts";
import { PictureError } from "./pictures/reduce.ts";
import { AddressedPictureError } from "./private/desk.ts";

/** What went wrong with a question, and what helps at once. */
export type Trouble = Words<"ask_again" | "new_pass">;

/** Says what happened and what to do. `isOnline`: what the browser knows of the network. */
export function troubleOf(cause: unknown, isOnline: boolean): Trouble {
  if (cause instanceof AddressedPictureError)
    return {
      title: "This picture has only an address",
      advice:
        "The service would have to fetch it. Save it and drop the file here, or switch off asking without sending.",
    };
  if (cause instanceof PictureError) return pictureTrouble(cause);
  if (cause instanceof RefusedError) return refusedTrouble(cause);
  if (cause instanceof ConnectionError) return connectionTrouble(isOnline);
  if (cause instanceof ReplyError) return { ...somethingElse, action: "ask_again" };
  return faultOfPage(cause);
}

/** The pass that the page had is over: the tab was asleep, perhaps. */
export const passOver: Trouble = {
  title: "This page's pass is over",
  advice:
    "A pass lasts an hour, so that a lost one is worth little. What you wrote is still here: get a new pass, and ask again.",
  action: "new_pass",
};

function connectionTrouble(isOnline: boolean): Trouble {
  return isOnline
    ? {
        title: "The service cannot be reached",
        advice:
          "It was tried several times. Is `npm start` still running, or the address right? What arrived stays on the canvas; asking again costs nothing twice.",
        action: "ask_again",
      }
    : {
        title: "This device is offline",
        advice:
          "What arrived stays on the canvas. When the network is back, ask again: an answer that was finished meanwhile is told from where you left, and charged once.",
        action: "ask_again",
      };
}

function pictureTrouble({ kind }: PictureError): Trouble {
  switch (kind) {
    case "heic":
      return {
        title: "This browser cannot open HEIC",
        advice:
          "Share the photo as JPEG, or on the iPhone choose Settings › Camera › Formats › Most Compatible. Safari opens HEIC and sends JPEG by itself.",
      };
    case "too_large":
      return {
        title: "This picture is too large for the browser",
        advice:
          "More than 100 megapixels do not fit. Save it smaller, 4,000 pixels across are plenty: the model sees less.",
      };
    case "away":
      return {
        title: "The sample did not come",
        advice:
          "This address did not hand it out: is the network there, and the service running? Choose it again, or a picture of your own.",
      };
    case "unreadable":
      return {
        title: "This is not a picture that can be read",
        advice:
          "JPEG, PNG, WebP, GIF and AVIF are. The file may be cut off: does it open elsewhere?",
      };
    default:
      return kind satisfies never;
  }
}

/** Advice by code, where the page knows more than the refusal's own words. */
const advice: Readonly<
  Partial<Record<Failure["kind"], Pick<Trouble, "title" | "advice" | "action">>>
> = {
  unauthenticated: {
    title: "The pass, or the key, is not known here",
    advice:
      "It was revoked, belongs to another service, or the local system was started anew. Get a new pass.",
    action: "new_pass",
  },
  insufficient_credit: {
    title: "The account has no credit left",
    advice:
      "Nothing was charged. Whoever runs the account can top it up: `unmask credit grant ACCOUNT 1`. Fewer steps cost less.",
    action: "ask_again",
  },
  spend_limit_reached: {
    title: "The spend limit is reached",
    advice:
      "The key, or this page's pass, may spend no more for now. A new pass has a limit of its own.",
    action: "new_pass",
  },
  function_unreachable: {
    title: "No inference function answers",
    advice:
      "The edge is up, and what computes is not: FUNCTION_URL names where it should be. Nothing was charged. Try again in a moment.",
    action: "ask_again",
  },
  weights_loading: {
    title: "The model is still loading",
    advice: "Its weights are on their way; ask again in a moment. Nothing was charged.",
    action: "ask_again",
  },
};

function refusedTrouble(refused: RefusedError): Trouble {
  const { code, retryable } = refused.problem;
  const words = refusalWords(refused);
  const known = Object.hasOwn(advice, code) ? advice[code as Failure["kind"]] : undefined;
  if (known !== undefined) return { ...words, ...known };
  return {
    ...words,
    advice: `${words.advice} Nothing was charged.`,
    ...(retryable ? { action: "ask_again" as const } : {}),
  };
}
