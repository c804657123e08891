import { readFile } from "node:fs/promises";
import path from "node:path";
import { viewRules } from "#domain/architecture.ts";
import type { NamedField } from "#domain/fields.ts";
import { imageLayout } from "#domain/image/layout.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import type { Picture, Tensor } from "#domain/tensor.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { normaliseViews } from "#model/image/patches.ts";
import { neutralPicture } from "#model/read/neutral.ts";
import type { ReadTools } from "#model/read/read-fields.ts";
import { readSlots, type SlotScores } from "#model/read/slots.ts";
import { buildTemplate, type TemplateTools } from "#model/template/build.ts";
import type { Read } from "#model/template/template.ts";
import { embedPrompt } from "#model/text/embed.ts";
import { promptIds } from "#model/text/prompt.ts";
import { cutViews, type Resize } from "#model/vision/crops.ts";
import { stitchFeatures } from "#model/vision/stitch.ts";
import { SCENES_FOLDER } from "./scenes.ts";

const forever = new AbortController().signal;

/** What the options of a field are worth, with the picture and with one that shows nothing. */
export interface FieldScores {
  /** ln p of each option, "none of these" the last where it is one. */
  readonly scores: readonly number[];
  readonly bias: readonly number[];
}

/** Reads fields off pictures as the service does, and keeps what it judges them by. */
export class ScoreReader {
  readonly #model: DescribedModel;
  readonly #resize: Resize;
  readonly #style: ReadStyle;
  readonly #pictures = new Map<string, Tensor>();
  readonly #biases = new Map<string, readonly SlotScores[]>();

  constructor(model: DescribedModel, resize: Resize, style: ReadStyle) {
    this.#model = model;
    this.#resize = resize;
    this.#style = style;
  }

  /** The scores of closed fields that are asked together. */
  async read(picture: string, fields: readonly NamedField[]): Promise<readonly FieldScores[]> {
    const template = buildTemplate("", fields, this.templateTools());
    if (!template.ok) throw new Error(`${template.refusal.pointer}: ${template.refusal.problem}`);
    const image = await this.#picture(picture);
    const neutral = await this.#picture("");
    const found: FieldScores[] = [];
    for (const read of template.value.reads) {
      const slots = await this.#slots(read, image);
      const key = JSON.stringify([read.question, read.lines]);
      const biases = this.#biases.get(key) ?? (await this.#slots(read, neutral));
      this.#biases.set(key, biases);
      for (const [index, { slot, scores }] of slots.entries())
        found[slot.field] = { scores, bias: biases[index]!.scores };
    }
    return found;
  }

  /** What fields are read with off a picture. */
  async readTools(picture: string): Promise<ReadTools> {
    const { engine, tokenizer } = this.#model.tools;
    const image = await this.#picture(picture);
    return {
      ...{ engine, tokenizer, filler: engine.architecture.special.endOfTurn },
      promptOf: (question) => this.#prompt(question, image),
      finalOf: () => {
        throw new Error("no field of the set has so many options");
      },
    };
  }

  templateTools(): TemplateTools {
    const { tools, card, abilities } = this.#model;
    return {
      style: this.#style,
      things: card.domain?.things ?? [],
      tokenizer: tools.tokenizer,
      ending: [tools.engine.architecture.special.endOfTurn],
      canvasLimit: abilities.canvas.limit,
    };
  }

  async #slots(read: Read, image: Tensor): Promise<readonly SlotScores[]> {
    const { engine } = this.#model.tools;
    return await readSlots(engine, read, await this.#prompt(read.question, image), forever);
  }

  async #prompt(question: string, image: Tensor): Promise<Tensor> {
    const { engine, tokenizer, renderTemplate } = this.#model.tools;
    const { prompt: rules, special } = engine.architecture;
    const { beginOfText } = special;
    const messages = [{ role: "user", text: question }] as const;
    const ids = promptIds(messages, 1, { rules, beginOfText, tokenizer, renderTemplate });
    return await embedPrompt(engine, ids, [image], rules.maxPromptLength, forever);
  }

  /** A picture's vectors; "" is the one that shows nothing. */
  async #picture(name: string): Promise<Tensor> {
    const known = this.#pictures.get(name);
    if (known !== undefined) return known;
    const side = this.#model.tools.engine.architecture.vision?.imageSize ?? 0;
    const vectors = await this.#encode(name === "" ? neutralPicture(side) : await pictureOf(name));
    this.#pictures.set(name, vectors);
    return vectors;
  }

  async #encode(picture: Picture): Promise<Tensor> {
    const { engine } = this.#model.tools;
    const { image, vision } = engine.architecture;
    if (image === undefined || vision === undefined) throw new Error("the model sees no pictures");
    const layout = imageLayout(picture, image, viewRules(vision), "auto");
    const views = normaliseViews(cutViews(picture, layout, vision.imageSize, this.#resize), vision);
    const features = await engine.encodeImage(views, forever);
    return stitchFeatures(features, await engine.imageNewline(forever), layout);
  }
}

async function pictureOf(name: string): Promise<Picture> {
  const decoded = await decodeImages([await readFile(path.join(SCENES_FOLDER, name))]);
  const [picture] = decoded.ok ? decoded.value : [];
  if (picture === undefined) throw new Error(`${name} is no picture`);
  return picture;
}
