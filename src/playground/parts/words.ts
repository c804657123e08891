import type { RefusedError } from "#client/errors.ts";

/** What went wrong, in words for the one who sits before it, and what to do. */
export interface Words<Action extends string = never> {
  readonly title: string;
  readonly advice: string;
  /** What helps at once, as a button. */
  readonly action?: Action;
  /** For whoever is asked for help: the code and the request. */
  readonly reference?: string;
}

/** A refusal in its own words: what it is about, which fields, and how long to wait. */
export function refusalWords({ problem, retryAfterSeconds }: RefusedError): Words {
  const { code, title, detail, request_id, errors } = problem;
  const faults = errors.map(({ pointer, message }) => `${pointer}: ${message}`).join("; ");
  const named = faults === "" || detail.includes(faults) ? "" : ` (${faults})`;
  const wait = retryAfterSeconds === undefined ? "" : ` Try again in ${retryAfterSeconds} s.`;
  return { title, advice: `${detail}${named}${wait}`, reference: `${code} · ${request_id}` };
}

/** What is not this API has answered in its place. */
export const somethingElse: Words = {
  title: "Something else answered",
  advice:
    "What came back is not this API: a proxy's page, perhaps, or a sign-in of the network. Open the address in a new tab to see it, then try again.",
};

/** What no request is to blame for. */
export function faultOfPage(cause: unknown): Words {
  return {
    title: "The page itself is at fault",
    advice: `Load it again. If it happens once more, tell us: ${cause instanceof Error ? cause.message : String(cause)}`,
  };
}
