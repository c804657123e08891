import type { Context } from "hono";
import type { Deletion } from "../../answers/answer-service.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";

/** Replies what became of a deletion: 204 where all of it is gone, 202 where the rest will go by itself. */
export function deletionReply(
  c: Context<EdgeEnv>,
  what: "answer" | "batch",
  id: string,
  deletion: Deletion | null,
): Response {
  switch (deletion) {
    case null:
      return refusedMissing(c, what);
    case "still running":
      return refused(c, { kind: "still_running", what, id });
    case "deleting":
      return c.body(null, 202);
    case "deleted":
      return c.body(null, 204);
    default:
      return deletion satisfies never;
  }
}

/** How such a reply reads in the API's description. */
export const deletionReplies = {
  204: {
    description:
      "It is gone: question, pictures, frames, answer, its cached copy, what webhooks were told of it, and the reply of its Idempotency-Key. What it cost stays in the ledger.",
  },
  202: {
    description:
      "Nobody sees it any more; what could not be reached just now is deleted within minutes, by itself.",
  },
} as const;
