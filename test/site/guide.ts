/** A block of a guide that runs, as it is printed. */
export interface GuideBlock {
  readonly name: string;
  readonly language: string;
  readonly code: string;
  /** It is a server, which later blocks ask. */
  readonly stays: boolean;
  /** What it prints, `…` standing for anything; absent where the guide does not say. */
  readonly prints?: RegExp;
}

/** Languages of blocks that a reader would run. A terminal's block that asks nobody need not. */
const runnable = /^(?:ts|python)$/;

/** Reads the blocks of a guide that are marked to run. Throws where one that a reader would run is not marked. */
export function readGuide(file: string, text: string): readonly GuideBlock[] {
  const fences = [
    ...text.matchAll(/(?:^<!-- (\w+): ([^>]*?) -->\n)?^```(\w*)\n([\s\S]*?)\n```$/gm),
  ];
  const outputs = new Map<string, RegExp>();
  for (const [, mark, names = "", language = "", code = ""] of fences)
    if (mark === "prints")
      for (const name of names.split(/, */)) outputs.set(name, shapeOf(code, language));
  const blocks = fences.flatMap(([, mark, said = "", language = "", code = ""]) => {
    const isShown = mark === undefined && language !== "http";
    if (isShown && (runnable.test(language) || (language === "sh" && code.includes("curl "))))
      throw new Error(`${file} has a block that no test runs:\n${code}`);
    if (mark !== "runs") return [];
    const [name = "", ...more] = said.split(/, */);
    const prints = outputs.get(name);
    outputs.delete(name);
    const block = { name, language, code, stays: more.includes("stays") };
    return [prints === undefined ? block : { ...block, prints }];
  });
  const strange = [...outputs.keys()];
  if (strange.length > 0)
    throw new Error(`${file} says what ${strange.join(", ")} prints, which it does not run`);
  if (new Set(blocks.map(({ name }) => name)).size !== blocks.length)
    throw new Error(`${file} has two blocks of one name`);
  return blocks;
}

/** What an output must look like. JSON may be broken into lines for readers, so that its white space says nothing. */
export function shapeOf(prints: string, language: string): RegExp {
  const space = language === "json" ? "\\s*" : "";
  const parts = prints.split("…").map((part) => {
    const words =
      language === "json" ? part.trim().split(/\s+|(?<=[{[:,])|(?=[}\]])/) : [part.trim()];
    return words.map((word) => RegExp.escape(word)).join(space);
  });
  return new RegExp(`^\\s*${parts.join("\\s*[\\s\\S]*?\\s*")}\\s*$`);
}
