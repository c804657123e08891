import type { ImageLayout } from "#domain/image/layout.ts";
import type { Usage } from "#domain/question.ts";
import type { Picture, Tensor } from "#domain/tensor.ts";
import type { DomainScore, JudgedAnswer } from "#domain/trust.ts";
import { normaliseViews } from "./image/patches.ts";
import type { AnswerTools, PicturedQuestion } from "./prepare.ts";
import { cutViews } from "./vision/crops.ts";
import { domainScore } from "./vision/domain-score.ts";
import { featureKey, type PictureFeatures } from "./vision/kept-features.ts";
import { stitchFeatures } from "./vision/stitch.ts";

/** What is kept of each picture: taken before anything is told, so that what was told is what is used. */
export function findFeatures(
  { pictureDigests }: PicturedQuestion,
  layouts: readonly ImageLayout[],
  { features }: AnswerTools,
): readonly (PictureFeatures | undefined)[] {
  return layouts.map((layout, index) => {
    const digest = pictureDigests?.[index];
    return digest === undefined ? undefined : features?.find(featureKey(digest, layout));
  });
}

/** How many vectors the pictures become, and how many of them were kept. */
export function vectorCounts(
  imageVectors: number,
  found: readonly (PictureFeatures | undefined)[],
): Pick<Usage, "imageVectors" | "cachedImageVectors"> {
  const cached = found.reduce((sum, features) => sum + (features?.vectors.shape[0] ?? 0), 0);
  return cached === 0 ? { imageVectors } : { imageVectors, cachedImageVectors: cached };
}

/** Makes of each picture what stands for it in a prompt, or takes what is kept of it. */
export async function encodePictures(
  { pictures, pictureDigests }: PicturedQuestion,
  layouts: readonly ImageLayout[],
  found: readonly (PictureFeatures | undefined)[],
  tools: AnswerTools,
  signal: AbortSignal,
): Promise<PictureFeatures[]> {
  const images: PictureFeatures[] = [];
  for (const [index, picture] of pictures.entries()) {
    const layout = layouts[index]!;
    const digest = pictureDigests?.[index];
    const making = (stop: AbortSignal): Promise<PictureFeatures> =>
      encodePicture(picture, layout, tools, stop);
    const { features } = tools;
    const made =
      features === undefined || digest === undefined
        ? () => making(signal)
        : () => features.make(featureKey(digest, layout), making, signal);
    images.push(found[index] ?? (await made()));
  }
  return images;
}

/** Makes of a picture what stands for it in a prompt. */
export async function encodePicture(
  picture: Picture,
  layout: ImageLayout,
  { engine, resize, trust }: AnswerTools,
  signal: AbortSignal,
): Promise<PictureFeatures> {
  const { vision } = engine.architecture;
  if (vision === undefined) throw new Error("this architecture has no vision tower");
  const views = cutViews(picture, layout, vision.imageSize, resize);
  const viewsNCHW = normaliseViews(views, vision);
  const score = trust?.domain?.score;
  let seen: Pick<PictureFeatures, "domainScore"> = {};
  const look = (featuresPW: Tensor, by: DomainScore): void => {
    seen = { domainScore: domainScore(by, featuresPW) };
  };
  const featuresNPD = await (score === undefined
    ? engine.encodeImage(viewsNCHW, signal)
    : engine.encodeImage(viewsNCHW, signal, (featuresPW) => look(featuresPW, score)));
  const vectors = stitchFeatures(featuresNPD, await engine.imageNewline(signal), layout);
  return { vectors, ...seen };
}

/** Of several pictures the one that is furthest out: an answer about all of them is worth no more than that. */
export function worstOf(images: readonly PictureFeatures[]): Pick<JudgedAnswer, "domainScore"> {
  const scores = images.flatMap((image) => image.domainScore ?? []);
  return scores.length === 0 ? {} : { domainScore: Math.min(...scores) };
}
