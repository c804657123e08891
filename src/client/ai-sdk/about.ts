import { UnsupportedFunctionalityError } from "ai";
import type { Ask, Picture } from "../ask.ts";
import type { Call } from "./sdk.ts";

type Part = Call["state"][number];
type FilePart = Extract<Part, { readonly type: "file" }>;

/**
 * Says what the fields are about: texts and data one under the other, data as JSON, and the pictures in their order. Throws
 * UnsupportedFunctionalityError for files that are no pictures.
 */
export function aboutOf(
  { state }: Call,
  before: readonly string[] = [],
): Pick<Ask, "question" | "images"> {
  const said = [...before, ...state.flatMap(textIn)].filter((text) => text.trim() !== "");
  const images = state.flatMap((part) => (part.type === "file" ? [pictureOf(part)] : []));
  return {
    ...(said.length === 0 ? {} : { question: said.join("\n") }),
    ...(images.length === 0 ? {} : { images }),
  };
}

/** Content that may be text or data, in words; undefined for none. */
export function wordsOf(content: unknown): string | undefined {
  const text = typeof content === "string" || content == null ? content : JSON.stringify(content);
  return text == null || text.trim() === "" ? undefined : text;
}

function textIn(part: Part): string[] {
  switch (part.type) {
    case "text":
      return [part.text];
    case "json":
      return [JSON.stringify(part.value)];
    case "file":
      return [];
    default:
      return part satisfies never;
  }
}

function pictureOf({ mediaType, data }: FilePart): Picture {
  const isPicture = mediaType === "image" || mediaType.startsWith("image/");
  if (!isPicture) throw unsupported(`a file of type ${mediaType} in the state: pictures are read`);
  switch (data.type) {
    case "data":
      return typeof data.data === "string" ? { data: data.data } : new Uint8Array(data.data);
    case "url":
      return { url: data.url.href };
    case "reference": {
      const id = data.reference["unmask"];
      if (id === undefined) throw unsupported("a picture that another provider keeps");
      return { id };
    }
    case "text":
      throw unsupported("a picture that is text");
    default:
      return data satisfies never;
  }
}

function unsupported(functionality: string): UnsupportedFunctionalityError {
  return new UnsupportedFunctionalityError({ functionality });
}
