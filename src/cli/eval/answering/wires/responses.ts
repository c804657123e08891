import { listOf, memberOf, tokensOf, type Wire, type WireQuestion } from "./wire.ts";

/** `POST /responses`. Source: OpenAI API reference, "Create a model response". It has no stop texts. */
export const responsesWire: Wire = {
  name: "responses",
  path: "/responses",
  bodyOf(question) {
    const { model, maxTokens, asksLogprobs, refused } = question;
    return {
      model,
      input: inputOf(question),
      max_output_tokens: maxTokens,
      ...(refused.has("temperature") ? {} : { temperature: 0 }),
      // Nothing of a test set stays there.
      store: false,
      ...(asksLogprobs ? { include: ["message.output_text.logprobs"] } : {}),
    };
  },
  answerOf(reply) {
    const output = memberOf(reply, "output");
    if (!Array.isArray(output)) return undefined;
    const parts = output
      .filter((item) => memberOf(item, "type") === "message")
      .flatMap((item) => listOf(memberOf(item, "content")));
    const texts = parts.filter((part) => memberOf(part, "type") === "output_text");
    const reason = memberOf(memberOf(reply, "incomplete_details"), "reason");
    const isRefusal = parts.some((part) => memberOf(part, "type") === "refusal");
    return {
      text: texts
        .map((part) => memberOf(part, "text"))
        .filter((text) => typeof text === "string")
        .join(""),
      isCut: reason === "max_output_tokens",
      refusal: reason === "content_filter" ? "content_filter" : isRefusal ? "refusal" : undefined,
      logprobs: texts
        .flatMap((part) => listOf(memberOf(part, "logprobs")))
        .flatMap((token) => {
          const logprob = memberOf(token, "logprob");
          return typeof logprob === "number" ? [logprob] : [];
        }),
      tokens: tokensOf(memberOf(reply, "usage"), "input_tokens", "output_tokens"),
    };
  },
};

function inputOf({ messages, pictures }: WireQuestion): readonly unknown[] {
  const shown = messages.findIndex(({ role }) => role === "user");
  return messages.map(({ role, content }, index) => {
    const type = role === "assistant" ? "output_text" : "input_text";
    const before = index === shown ? pictures : [];
    return {
      role,
      content: [
        ...before.map((url) => ({ type: "input_image", image_url: url })),
        { type, text: content },
      ],
    };
  });
}
