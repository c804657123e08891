import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { mulberry32 } from "#model/decode/noise.ts";
import { type NamedFile, named } from "./forgeries.ts";

const root = "test/fixtures/corpora";

/** The pictures of a folder of the corpora. */
export function corpus(
  folder: "png" | "png-invalid" | "jpeg" | "jpeg-invalid" | "gif",
): NamedFile[] {
  return readdirSync(path.join(root, folder))
    .toSorted()
    .map((file) => named(`${folder}/${file}`, readFileSync(path.join(root, folder, file))));
}

/** Every valid picture of the corpora. */
export function validPictures(): NamedFile[] {
  return [...corpus("png"), ...corpus("jpeg"), ...corpus("gif")];
}

/** A picture cut off at each quarter, and with single bytes flipped; the same every time. */
export function damaged({ name, bytes }: NamedFile): NamedFile[] {
  const random = mulberry32(bytes.length);
  const cuts = [0.25, 0.5, 0.75].map((share) => {
    const length = Math.floor(bytes.length * share);
    return named(`${name} cut at ${length}`, bytes.subarray(0, length));
  });
  const flips = Array.from({ length: 4 }, () => {
    const place = Math.floor(random.next() * bytes.length);
    const flipped = Uint8Array.from(bytes);
    flipped[place] = (flipped[place] ?? 0) ^ (1 + Math.floor(random.next() * 255));
    return named(`${name} flipped at ${place}`, flipped);
  });
  return [...cuts, ...flips];
}
