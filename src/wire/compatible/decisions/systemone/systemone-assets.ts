import * as z from "zod";
import type { Failure, FieldProblem } from "#domain/failure.ts";
import { inPointer } from "#domain/json-pointer.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { type ImageBody, tooManyPictures } from "../../../api/answers/image-body.ts";
import { readJsonPart } from "../../../body/form-part.ts";
import type { JsonBody } from "../../../body/json-body.ts";
import type { FormPart } from "../../../body/multipart.ts";
import { MAX_IMAGE_BYTES, MAX_IMAGES, MAX_NAME_LENGTH } from "../../../limits.ts";
import { entriesOf, namedValues } from "../../../named-values.ts";
import { type Content, textOfContent } from "../data-text.ts";

/** A picture that is named wherever the words of the body mean it. Source: the types of typesafe-sdk 0.7.5. */
export interface SystemOneAsset {
  readonly type?: "image" | null;
  /** Not believed: the bytes say what they are. */
  readonly format?: string | null;
  readonly data_base64?: string | null;
  /** The part of the form that has its bytes; what stands in `data_base64` besides is passed over. */
  readonly part?: string | null;
}

export type SystemOneAssets = Readonly<Record<string, SystemOneAsset>>;

const shortText = z.string().max(MAX_NAME_LENGTH).nullable().exactOptional();

export const assetsSchema: z.ZodType<SystemOneAssets> = namedValues(
  z.strictObject({
    type: z.literal(["image", null]).exactOptional(),
    format: shortText,
    data_base64: z.string().nullable().exactOptional(),
    part: shortText,
  }),
).meta({
  description: `Pictures by names of your own, ${MAX_IMAGES} at most with those of images, which come before them. Where a name stands in state, instructions or criteria, that picture is meant. Each has its bytes in base64, or is a part of the form.`,
});

/** A body of Jev's clients as it was sent. */
export interface SystemOneSent {
  readonly body: JsonBody;
  /** Its form's other parts, by their names; undefined of a body that is JSON alone. */
  readonly parts?: ReadonlyMap<string, FormPart>;
}

/** Threat: a name of one letter all over a body of megabytes, each time said in eleven. */
const MAX_MENTIONS = 1000;

/** The part of a form that is the body. */
const BODY_PART = "request";

/** Schema of a form, for the API's description. */
export function systemOneFormSchema(body: z.ZodType): z.ZodType {
  return z
    .object({ [BODY_PART]: body })
    .catchall(z.string().meta({ format: "binary" }))
    .meta({
      description:
        "The body as JSON in the part request, and each picture in the part that an asset names.",
    });
}

/** Reads a form of Jev's clients. Refuses with `invalid_request` what has no body, or two parts of one name. */
export function systemOneForm(form: readonly FormPart[]): Result<SystemOneSent, Failure> {
  const parts = new Map(form.map((part) => [part.name, part]));
  const request = parts.get(BODY_PART);
  if (request === undefined)
    return refuseForm("has no part named request, in which the questions stand as JSON");
  if (parts.size < form.length) return refuseForm("has two parts of one name");
  parts.delete(BODY_PART);
  return ok({ body: readJsonPart(request), parts });
}

function refuseForm(message: string): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: [{ pointer: "", message }] });
}

/** Finds what is wrong with how assets are named, and with what they name. `others`: how many pictures there are besides. */
export function assetProblems(
  assets: SystemOneAssets,
  parts: SystemOneSent["parts"],
  others: number,
): readonly FieldProblem[] {
  const named = entriesOf(assets);
  if (named.length > 0 && named.length + others > MAX_IMAGES)
    return [{ pointer: "/assets", message: tooManyPictures }];
  if (named.some(([name]) => name.trim() === "" || name.length > MAX_NAME_LENGTH))
    return [{ pointer: "/assets", message: `names have 1 to ${MAX_NAME_LENGTH} characters` }];
  const unclaimed = new Set(parts?.keys());
  const problems = named.flatMap(([name, { part, data_base64: data }]) => {
    const pointer = assetPointer(name);
    if (part == null)
      return data == null
        ? [{ pointer, message: "has neither data_base64 nor a part that it names" }]
        : [];
    if (parts === undefined)
      return [{ pointer: `${pointer}/part`, message: "names a part, and the body is no form" }];
    return unclaimed.delete(part)
      ? []
      : [{ pointer: `${pointer}/part`, message: "names no part, or one of another asset" }];
  });
  const [left] = unclaimed;
  return left === undefined || problems.length > 0
    ? problems
    : [{ pointer: "/assets", message: `no asset names the part ${left.slice(0, 64)}` }];
}

/** Where an asset stands. */
export function assetPointer(name: string): string {
  return `/assets/${inPointer(name.slice(0, MAX_NAME_LENGTH))}`;
}

/** Stands before the name of a part where the text of a picture is expected: no base64 and no data URI has it. */
const PART_MARK = "\0";

/** The pictures of assets as our own bodies have them; `picturesBeside` reads what they say. */
export function imagesOf(assets: SystemOneAssets): readonly ImageBody[] {
  return entriesOf(assets).map(([, { part, data_base64: data }]) => ({
    data: part == null ? (data ?? "") : PART_MARK + part,
  }));
}

/** Reads pictures of the body, and of the form's parts. */
export function picturesBeside({ body, parts }: SystemOneSent): JsonBody["picture"] {
  return (text) => {
    const part = text.startsWith(PART_MARK) ? parts?.get(text.slice(1)) : undefined;
    if (part === undefined) return body.picture(text);
    const { content } = part;
    if (content.byteLength === 0) return refuse({ message: "is empty", isTooLarge: false });
    return content.byteLength > MAX_IMAGE_BYTES
      ? refuse({ message: "is too large", isTooLarge: true })
      : ok(content);
  };
}

/** Says what a body says, with the names of its pictures in words that a model knows. */
export interface PictureWords {
  /** Nothing for null, and for what is a picture and nothing else. */
  readonly text: (content: Content | null | undefined) => string;
  /** As `text`, of what means one thing among several: a picture's name says which one it is. */
  readonly meaning: (content: Content | null | undefined) => string;
  /** What is wrong with what was said so far. */
  readonly problems: () => readonly FieldProblem[];
}

/** Words for the names of `assets`, behind `others` pictures that have none. */
export function pictureWords(assets: SystemOneAssets, others: number): PictureWords {
  const names = entriesOf(assets).map(([name]) => name);
  const words = new Map(
    names.map((name, index) => [
      name,
      names.length + others === 1 ? "the picture" : `picture ${others + index + 1}`,
    ]),
  );
  // The longest first, since one name may begin as another does.
  const longest = names.toSorted((one, other) => other.length - one.length);
  const any = new RegExp(longest.map((name) => RegExp.escape(name)).join("|"), "g");
  let mentions = 0;
  const put = (text: string): string =>
    text.replace(any, (name) => {
      mentions += 1;
      return mentions > MAX_MENTIONS ? name : (words.get(name) ?? name);
    });
  const meaning: PictureWords["meaning"] = (content) => {
    if (content == null) return "";
    if (names.length === 0) return textOfContent(content);
    if (typeof content === "string") return put(content);
    return JSON.stringify(content, (_, value: unknown) =>
      typeof value === "string" ? put(value) : value,
    );
  };
  const tooOften = { pointer: "/assets", message: `are named more than ${MAX_MENTIONS} times` };
  return {
    meaning,
    problems: () => (mentions > MAX_MENTIONS ? [tooOften] : []),
    text: (content) =>
      typeof content === "string" && words.has(content.trim()) ? "" : meaning(content),
  };
}
