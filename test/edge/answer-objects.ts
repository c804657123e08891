import { env } from "cloudflare:workers";
import { objectNameOf } from "#edge/answers/answer-id.ts";

/** The object in which an answer of the account lies, which others may share. */
export function answerObject(
  id: string,
  accountId = "acc_test",
): ReturnType<typeof env.ANSWERS.getByName> {
  return env.ANSWERS.getByName(objectNameOf(accountId, id));
}
