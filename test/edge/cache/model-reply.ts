import type { ModelCard } from "#wire/function/status.ts";

/** What a function says of the model that it serves, the demo model as the edge's own card has it. */
export function modelReply(digest: string): Response {
  const card: ModelCard = {
    id: "unmask-demo",
    digest,
    image: { aspect: "pad", grid_pinpoints: [[96, 96]], max_tiles: 1 },
    max_prompt_length: 1024,
    ...{ canvas_default: 32, canvas_recommended: 32, canvas_limit: 512, block_length: null },
    ...{ system_messages: false, several_pictures: false, several_turns: true },
    provider: "cpu",
    format: "f32",
    vision: { view_pixels: 96, patch_pixels: 16 },
    work: { view: 50_000_000, linear: 2_000_000, attention: 1_000 },
  };
  return Response.json(card);
}
