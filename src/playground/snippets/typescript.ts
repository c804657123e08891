import { bracketed, Expression, literal, type Notation, type Value } from "./literal.ts";
import type { Writer } from "./request.ts";

const notation: Notation = {
  string: JSON.stringify,
  list: (items, indent) => bracketed("[", items, "]", indent),
  object: (members, indent) =>
    bracketed(
      "{ ",
      members.map(([name, value]) => `${memberName(name)}: ${value}`),
      " }",
      indent,
    ),
};

/** In quotes where it is no name of the language; in brackets too where it would be the object's prototype. */
function memberName(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

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
${fields.fields === undefined ? READ_WORDS : READ_VALUES}`;
};

const READ_WORDS = `for await (const update of asked) console.log(update.event); // the canvas, step by step
console.log((await asked).answer);`;

const READ_VALUES = `for await (const update of asked)
  if (update.event === "field.completed") console.log(update.field, update.value);
console.log(await asked.values());`;
