import { createTemplateRenderer } from "#engine/text.ts";
import { SPECIAL_TOKEN_TEXTS } from "#weights/checkpoint/special-tokens.ts";

/** A text that no template holds by itself. */
const PROBE = "What stands here is looked for.";

/**
 * Tries a chat template with the renderer that serves it. Throws an Error that says why it cannot be used: better known now than
 * when the bundle is loaded.
 */
export function checkTemplate(source: string): void {
  const render = createTemplateRenderer(source, SPECIAL_TOKEN_TEXTS.beginOfText);
  if (!render([{ role: "user", text: PROBE }]).includes(PROBE))
    throw new Error("it does not write out what the user says");
}
