import type { ModelCard } from "#wire/status.ts";

/** What a function says of the model that it serves. */
export function modelReply(digest: string): Response {
  const card: ModelCard = {
    id: "unmask-demo",
    digest,
    image: null,
    max_prompt_length: 1024,
    canvas_limit: 64,
    provider: "cpu",
    format: "f32",
  };
  return Response.json(card);
}
