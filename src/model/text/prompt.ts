import type { PromptRules } from "#domain/architecture.ts";
import { type Message, picturesByMessage } from "#domain/question.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Stands in a list of ids for the vectors of the next picture. Source: IMAGE_TOKEN_INDEX in llava/constants.py. */
export const IMAGE_SLOT = -200;

/** Writes a conversation out with the checkpoint's chat template; supplied by the runtime. */
export type RenderTemplate = (messages: readonly Message[]) => string;

/** What turns a conversation into ids: the bundle's rules and language files. */
export interface PromptTools {
  readonly rules: PromptRules;
  readonly beginOfText: number;
  readonly tokenizer: Tokenizer;
  readonly renderTemplate: RenderTemplate;
}

/**
 * Turns a conversation into token ids with one IMAGE_SLOT per picture, before the text of the message that brings it.
 * Empty messages are left out. Texts are data: they can spell neither a special token nor a picture's place.
 * Throws RangeError where the messages bring more or fewer than `images` pictures.
 *
 * Source: `conv_llava_llada.get_prompt` in conversation.py, which puts the markers of a message's pictures before its text.
 */
export function promptIds(
  messages: readonly Message[],
  images: number,
  { rules, beginOfText, tokenizer, renderTemplate }: PromptTools,
): number[] {
  const brought = picturesByMessage(messages, images);
  const marked = messages.map(
    ({ role, text }, index): Message => ({
      role,
      text: withMarkers(neutralise(text, tokenizer), brought[index] ?? 0),
    }),
  );
  const conversation = withSystem(marked, rules.systemPrompt).filter(({ text }) => text !== "");
  return imageTokenIds(renderTemplate(conversation), beginOfText, tokenizer, {
    dropsFirstIdAfterImage: true,
    kept: new Set(tokenizer.specialTokens.values()),
  });
}

/** Written form of a picture's place in a rendered prompt. Source: DEFAULT_IMAGE_TOKEN in llava/constants.py. */
const IMAGE_MARKER = "<image>";

/** How the ids after a picture begin. */
export interface ChunkRule {
  /**
   * The reference expects a begin-of-text in front of every chunk and cuts one id off each; where the tokenizer adds
   * none, that is the newline after the picture. Checkpoints are used with it, so it is the default.
   */
  readonly dropsFirstIdAfterImage: boolean;
  /** Ids that are never cut: behind a message that is nothing but a picture the first is the end of the turn. The reference cuts that too. */
  readonly kept?: ReadonlySet<number>;
}

/**
 * Encodes a rendered prompt, its text between the markers piece by piece.
 * The cut applies only where the prompt itself begins with begin-of-text.
 *
 * Source: `tokenizer_image_token` in mm_utils.py.
 */
export function imageTokenIds(
  rendered: string,
  beginOfText: number,
  tokenizer: Pick<Tokenizer, "encode">,
  rule: ChunkRule = { dropsFirstIdAfterImage: true },
): number[] {
  const [first = [], ...later] = rendered.split(IMAGE_MARKER).map((text) => tokenizer.encode(text));
  const isCutting = rule.dropsFirstIdAfterImage && first[0] === beginOfText;
  const isCut = (id: number | undefined): boolean =>
    isCutting && id !== undefined && rule.kept?.has(id) !== true;
  return [...first, ...later.flatMap((ids) => [IMAGE_SLOT, ...ids.slice(isCut(ids[0]) ? 1 : 0)])];
}

/** Breaks a written special token in two. Invisible, and part of no special token. */
const WORD_JOINER = "\u2060";

/**
 * Keeps user text from spelling a special token or the image marker, by an invisible character behind the first one of
 * each. All other text is left exactly as it is.
 */
export function neutralise(text: string, tokenizer: Pick<Tokenizer, "specialTokens">): string {
  const reserved = [...tokenizer.specialTokens.keys(), IMAGE_MARKER].filter((word) => word !== "");
  const pattern = new RegExp(`(?=${reserved.map(RegExp.escape).join("|")}).`, "gsu");
  return text.replace(pattern, (first) => first + WORD_JOINER);
}

/** Markers joined by spaces, then a line break, then the text. Source: generate_until of llava_onevision_llada.py. */
function withMarkers(text: string, images: number): string {
  if (images === 0) return text;
  const markers = Array.from({ length: images }, () => IMAGE_MARKER).join(" ");
  return `${markers}\n${text}`;
}

function withSystem(messages: readonly Message[], systemPrompt: string): Message[] {
  const hasOwn = messages[0]?.role === "system";
  return hasOwn || systemPrompt === ""
    ? [...messages]
    : [{ role: "system", text: systemPrompt }, ...messages];
}
