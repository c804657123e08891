/** What stands behind the prefix of an answer's id. */
const ANSWER = /^(?:ans|resp)_(.*)$/s;

const MESSAGE = /^msg_([0-9A-Za-z]+)$/;

/** An answer's id as OpenAI's responses have theirs: the same behind another prefix, so that nothing need be kept. */
export function responseId(answerId: string): string {
  return answerId.replace(/^ans_/, "resp_");
}

/** The id of the message that an answer is told as. */
export function messageId(answerId: string): string {
  return answerId.replace(/^ans_/, "msg_");
}

/** The id of a message of what an answer was asked. `index`: from 0, in the order of the conversation. */
export function inputId(answerId: string, index: number): string {
  return `${messageId(answerId)}_${index}`;
}

/** The id of the answer that a response's id stands for; an answer's own stands for itself, and any other text for no answer. */
export function answerIdOf(id: string): string {
  return id.replace(ANSWER, "ans_$1");
}

/** The id of the answer that was told as the message of this id; undefined where it has not the form of one. */
export function answerIdOfMessage(id: string): string | undefined {
  const digits = MESSAGE.exec(id)?.[1];
  return digits === undefined ? undefined : `ans_${digits}`;
}
