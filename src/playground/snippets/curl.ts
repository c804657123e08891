import type { Writer } from "./request.ts";

/** A command for a POSIX shell: a form where all pictures are files, JSON where none is, and JSON with files in it else. */
export const writeCurl: Writer = ({ baseUrl, fields, pictures }) => {
  const head = [`curl ${shell(`${baseUrl}/v1/answers`)}`, '-H "Authorization: Bearer $UNMASK_KEY"'];
  const files = pictures.flatMap((picture) => (picture.kind === "file" ? [picture] : []));
  if (files.length === pictures.length) {
    const parts = Object.entries(fields).flatMap(([name, value]) => formLines(name, value));
    return joined([...head, ...files.map(({ file }) => `-F image=@${shell(file)}`), ...parts]);
  }
  const json = '-H "Content-Type: application/json"';
  if (files.length === 0) {
    const images = pictures.flatMap((picture) =>
      picture.kind === "url" ? [{ url: picture.url }] : [],
    );
    return joined([...head, json, `-d ${shell(JSON.stringify({ ...fields, images }))}`]);
  }
  const images = pictures.map((picture, index) =>
    picture.kind === "url" ? { url: picture.url } : { data: `PICTURE_${index}` },
  );
  const body = JSON.stringify({ ...fields, images }).replace(
    /[\\$`]/g,
    (character) => `\\${character}`,
  );
  const filled = pictures.reduce(
    (text, picture, index) =>
      picture.kind === "file"
        ? text.replace(`"PICTURE_${index}"`, `"$(base64 < ${shell(picture.file)} | tr -d '\\n')"`)
        : text,
    body,
  );
  return `${joined([...head, json, "-d @- <<JSON"])}\n${filled}\nJSON`;
};

/** `--form-string`, because `-F` reads a leading `@` and a `;` as its own. */
function formLines(name: string, value: unknown): string[] {
  if (name === "stop" && Array.isArray(value))
    return value.map((text) => `--form-string ${shell(`stop=${text}`)}`);
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return [`--form-string ${shell(`${name}=${text}`)}`];
}

function joined(lines: readonly string[]): string {
  return lines.join(" \\\n  ");
}

/** A word of the shell: in quotes unless it needs none. */
function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
