import type { ImageBody } from "../../api/answers/image-body.ts";
import type { PlacedMessage } from "../foreign-body.ts";
import { pictureOf } from "../shown-picture.ts";
import type {
  InputItemBody,
  InputMessageBody,
  InputPicturePart,
  InputRefusalPart,
  InputTextPart,
} from "./response-body.ts";

type Part = InputTextPart | InputRefusalPart | InputPicturePart;

/** Reads an item of an input as a message of our own. A reference is what was told under its id, or the id where that is not known. */
export function placedItem(
  item: InputItemBody,
  at: string,
  texts: ReadonlyMap<string, string> | undefined,
): PlacedMessage {
  if (item.type === "item_reference") {
    const content = texts?.get(item.id) ?? item.id;
    return { message: { role: "assistant", content }, at, content: `${at}/id`, images: [] };
  }
  const role = item.role === "developer" ? "system" : item.role;
  const said: string[] = [];
  const images: ImageBody[] = [];
  const places: string[] = [];
  for (const [index, part] of partsOf(item).entries()) {
    if (part.type === "input_image") {
      const place = `${at}/content/${index}`;
      images.push(imageOf(part));
      places.push(`${place}/${part.image_url == null ? "file_id" : "image_url"}`);
    } else said.push(part.type === "refusal" ? part.refusal : part.text);
  }
  const content = said.join("\n");
  return {
    message: images.length === 0 ? { role, content } : { role, content, images },
    at,
    content: `${at}/content`,
    images: places,
  };
}

/** The pictures that an item brings. */
export function picturesOf(item: InputItemBody): InputPicturePart[] {
  if (item.type === "item_reference") return [];
  return partsOf(item).filter((part) => part.type === "input_image");
}

function partsOf({ content }: InputMessageBody): readonly Part[] {
  return typeof content === "string" ? [{ type: "input_text", text: content }] : content;
}

function imageOf({ image_url, file_id }: InputPicturePart): ImageBody {
  return image_url == null ? { id: file_id ?? "" } : pictureOf(image_url);
}
