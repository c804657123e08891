import type { TestMessage } from "../../files/test-question.ts";
import { listOf, memberOf, tokensOf, type Wire, type WireQuestion } from "./wire.ts";

/** `POST /chat/completions`, which vLLM, llama.cpp, Ollama, LMDeploy and most vendors speak. Source: OpenAI API reference, "Create chat completion". */
export const chatWire: Wire = {
  name: "chat",
  path: "/chat/completions",
  bodyOf(question) {
    const { model, maxTokens, stop, asksLogprobs, refused } = question;
    // What OpenAI's newer models call it; servers of others know the older name alone.
    const ceiling = refused.has("max_tokens") ? "max_completion_tokens" : "max_tokens";
    return {
      model,
      messages: chatMessages(question),
      [ceiling]: maxTokens,
      ...(refused.has("temperature") ? {} : { temperature: 0 }),
      ...(stop.length === 0 ? {} : { stop }),
      ...(asksLogprobs ? { logprobs: true } : {}),
    };
  },
  answerOf(reply) {
    const [choice] = listOf(memberOf(reply, "choices"));
    const message = memberOf(choice, "message");
    const content = memberOf(message, "content");
    const refusal = memberOf(message, "refusal");
    const reason = memberOf(choice, "finish_reason");
    if (typeof content !== "string" && typeof refusal !== "string" && content !== null)
      return undefined;
    return {
      text: typeof content === "string" ? content : "",
      isCut: reason === "length",
      refusal:
        reason === "content_filter"
          ? "content_filter"
          : typeof refusal === "string" && refusal !== ""
            ? "refusal"
            : undefined,
      logprobs: listOf(memberOf(memberOf(choice, "logprobs"), "content")).flatMap((token) => {
        const logprob = memberOf(token, "logprob");
        return typeof logprob === "number" ? [logprob] : [];
      }),
      tokens: tokensOf(memberOf(reply, "usage"), "prompt_tokens", "completion_tokens"),
    };
  },
};

function chatMessages({ messages, pictures }: WireQuestion): readonly unknown[] {
  const shown = messages.findIndex(({ role }) => role === "user");
  return messages.map(({ role, content }: TestMessage, index) =>
    index === shown && pictures.length > 0
      ? {
          role,
          content: [
            ...pictures.map((url) => ({ type: "image_url", image_url: { url } })),
            { type: "text", text: content },
          ],
        }
      : { role, content },
  );
}
