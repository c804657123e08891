import { type FieldRow, newRow } from "./rows.ts";

/** Values to begin with, over a picture that has them. */
export interface Preset {
  readonly words: string;
  /** A file of `/samples/`. */
  readonly sample: string;
  readonly rows: () => readonly FieldRow[];
}

const ARTICLES = "apple\nguitar\ndog\nbus";

export const presets: readonly Preset[] = [
  {
    words: "What it is",
    sample: "cat.jpg",
    rows: () => [
      newRow({ name: "animal", instructions: "Is it an animal?" }),
      newRow({
        ...{ name: "kind", type: "choice", instructions: "What is this?" },
        ...{ options: "cat\ndog\ncup", none: true },
      }),
      newRow({ name: "says", type: "text", instructions: "What is this?", maxTokens: 6 }),
    ],
  },
  {
    words: "What stands where",
    sample: "apple-and-guitar.png",
    rows: () => [
      newRow({
        ...{ name: "left", type: "choice", instructions: "What is on the left?" },
        options: ARTICLES,
      }),
      newRow({
        ...{ name: "right", type: "choice", instructions: "What is on the right?" },
        options: ARTICLES,
      }),
    ],
  },
  {
    words: "How many",
    sample: "dog-and-bus.png",
    rows: () => [
      newRow({
        ...{ name: "count", type: "number", instructions: "How many things are there?" },
        ...{ minimum: 0, maximum: 4 },
      }),
      newRow({ name: "dog", instructions: "Is there a dog?" }),
      newRow({ name: "owl", instructions: "Is there an owl?" }),
    ],
  },
];
