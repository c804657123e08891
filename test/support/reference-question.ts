import { readFileSync } from "node:fs";
import path from "node:path";
import { decodeImages } from "#inference/image-codec.ts";
import { pixelDigest, replayDigest } from "#wire/function/replay-digest.ts";
import { options } from "./edge-builders.ts";

/** A case of the reference that its chat template made, with one picture: what the API asks. */
const CASE = "test/fixtures/reference/cases/p08_chat_prompt_one_image";

interface Run {
  readonly mode: string;
  readonly output: readonly number[];
  readonly trace: readonly { readonly step: number; readonly pos: readonly number[] }[];
}

/**
 * The digest that an answer has whose tokens are the reference's, each written in its step: the API tells texts, and this stands for
 * the ids.
 */
export async function referenceDigest(modelDigest: string): Promise<string> {
  const { runs } = JSON.parse(readFileSync(path.join(CASE, "case.json"), "utf8")) as {
    readonly runs: readonly Run[];
  };
  const run = runs.find(({ mode }) => mode === "baseline");
  if (run === undefined) throw new Error("the case has no such run");
  const steps = new Map(run.trace.flatMap(({ step, pos }) => pos.map((one) => [one, step + 1])));
  const pictures = await decodeImages([readFileSync(path.join(CASE, "image0.png"))]);
  if (!pictures.ok) throw new Error("the picture cannot be read");
  return await replayDigest({
    modelDigest,
    pictureDigests: await Promise.all(pictures.value.map(pixelDigest)),
    messages: [{ role: "user", text: "Please describe this image." }],
    options: options({ canvas: 16, steps: 16, blockLength: 16, mode: "exact" }),
    tokens: run.output.map((token, position) => ({
      ...{ token, position, step: steps.get(position) ?? 0 },
    })),
  });
}

/** The fields of a form that asks it as the reference was asked. */
export const asReferenceAsked: Readonly<Record<string, string>> = {
  ...{ question: "Please describe this image.", mode: "exact" },
  ...{ canvas: "16", steps: "16", block_length: "16", cache: "off" },
};

/** Sends a form with the case's picture, as curl would. */
export async function postForm(
  { url, key }: { readonly url: string; readonly key: string },
  route: string,
  fields: Readonly<Record<string, string>>,
): Promise<Response> {
  const form = new FormData();
  form.append("image", new Blob([readFileSync(path.join(CASE, "image0.png"))]), "image0.png");
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const headers = { authorization: `Bearer ${key}` };
  return await fetch(`${url}/v1/${route}`, { method: "POST", headers, body: form });
}
