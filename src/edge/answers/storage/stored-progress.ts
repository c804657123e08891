import type { ToldSoFar } from "#domain/told-answer.ts";
import { storedFrame, storedStart } from "./stored-answers.ts";

/** How far an answer is, or what has come of it since that was last kept. */
export type Progress = ToldSoFar;

/** Of an answer that nothing is known of yet. */
export const noProgress: Progress = { modelDigest: null, started: null, frames: [] };

/** Writes progress as lines: the weights, the start, then a frame each; every line but the first has a version of its own. */
export function progressText({ modelDigest, started, frames }: Progress): string {
  const start = started === null ? "" : storedStart.write(started);
  return [modelDigest ?? "", start, ...frames.map((frame) => storedFrame.write(frame))].join("\n");
}

/** Reads what was kept at several times, in that order, as one. A step that was kept already stays as it is. */
export function readProgress(texts: readonly string[]): Progress {
  return texts.map(readText).reduce(joined, noProgress);
}

function readText(text: string): Progress {
  const [modelDigest = "", started = "", ...frames] = text.split("\n");
  return {
    modelDigest: modelDigest === "" ? null : modelDigest,
    started: started === "" ? null : storedStart.read(started),
    frames: frames.map((frame) => storedFrame.read(frame)),
  };
}

function joined(before: Progress, later: Progress): Progress {
  const { modelDigest, started, frames } = later;
  // It began anew: what was kept before is none of it any more.
  if (started?.kind === "answer.restarted") return later;
  const last = before.frames.at(-1)?.step ?? 0;
  return {
    modelDigest: modelDigest ?? before.modelDigest,
    started: before.started ?? started,
    frames: [...before.frames, ...frames.filter(({ step }) => step > last)],
  };
}
