import { bracketed, Expression, literal, type Notation, type Value } from "./literal.ts";
import type { Writer } from "./request.ts";

const notation: Notation = {
  string: JSON.stringify,
  list: (items, indent) => bracketed("[", items, "]", indent),
  object: (members, indent) =>
    bracketed(
      "{ ",
      members.map(([name, value]) => `${name}: ${value}`),
      " }",
      indent,
    ),
};

/** A module for Node, with the client that comes as a package. */
export const writeTypescript: Writer = ({ baseUrl, fields, pictures }) => {
  const images: readonly Value[] = pictures.map((picture) =>
    picture.kind === "url"
      ? { url: picture.url }
      : new Expression(`await openAsBlob(${JSON.stringify(picture.file)})`),
  );
  const ask = {
    ...(fields as { readonly [name: string]: Value }),
    ...(images.length === 0 ? {} : { images }),
  };
  const hasFiles = pictures.some(({ kind }) => kind === "file");
  return `${hasFiles ? 'import { openAsBlob } from "node:fs";\n' : ""}import { createClient } from "unmask";

const unmask = createClient({
  baseUrl: ${JSON.stringify(baseUrl)},
  apiKey: process.env.UNMASK_KEY,
});
const asked = unmask.ask(${literal(ask, notation)});
for await (const update of asked) console.log(update.event); // the canvas, step by step
console.log((await asked).answer);`;
};
