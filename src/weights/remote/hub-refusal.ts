import { WeightsError } from "../weights-error.ts";

/** What was asked for, for messages. */
export interface Asked {
  readonly id: string;
  readonly revision: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
}

/** Longest sentence of a hub that is repeated. */
const MAX_SAID = 300;

/**
 * What a hub means by refusing, as an error that says what to do; undefined for a reply that any store could give (also for a
 * file that is not there). Source: huggingface_hub, `hf_raise_for_status`: `X-Error-Code`, `X-Error-Message`.
 */
export function hubRefusal(response: Response, asked: Asked): WeightsError | undefined {
  const { status, headers } = response;
  if (status < 400 || status === 429 || status >= 500) return undefined;
  const code = headers.get("x-error-code");
  const said = sentence(headers.get("x-error-message"));
  const { id, revision, endpoint, hasToken } = asked;
  switch (code) {
    case "EntryNotFound":
      return undefined;
    case "RevisionNotFound":
      return new WeightsError(
        "revision_missing",
        `${id} has no revision "${revision}" at ${endpoint}`,
      );
    case "GatedRepo":
      return new WeightsError("repository_gated", gated(asked));
    case "RepoNotFound":
      return new WeightsError("repository_missing", missing(asked));
  }
  if (status === 401) {
    // A hub does not tell strangers which private repositories there are; a wrong token makes anybody a stranger.
    return /invalid (?:credentials|username or password|user token)/i.test(said) && hasToken
      ? new WeightsError("token_refused", `${endpoint} does not take HF_TOKEN: ${said}`)
      : new WeightsError("repository_missing", missing(asked));
  }
  if (status === 403 || status === 451) {
    return new WeightsError(
      status === 403 ? "access_denied" : "store_refused",
      `${endpoint} refuses ${id} (${status})${said === "" ? "" : `: ${said}`}`,
    );
  }
  return undefined;
}

function gated({ id, endpoint, hasToken }: Asked): string {
  return hasToken
    ? `${id} is gated, and the account of HF_TOKEN has no access to it: ask for it at ${endpoint}/${id}`
    : `${id} is gated: ask for access at ${endpoint}/${id}, then set HF_TOKEN to a token of that account`;
}

function missing({ id, endpoint, hasToken }: Asked): string {
  return hasToken
    ? `${endpoint} has no repository ${id} that the account of HF_TOKEN may read`
    : `${endpoint} has no repository ${id}, or it is private: then set HF_TOKEN to a token that may read it`;
}

/** A sentence from outside, fit for a terminal. */
function sentence(text: string | null): string {
  return (text ?? "")
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim()
    .slice(0, MAX_SAID);
}
