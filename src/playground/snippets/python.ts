import { bracketed, Expression, literal, type Notation, quoted, type Value } from "./literal.ts";
import type { Fields, ShownPicture, Writer } from "./request.ts";

const string = (text: string): string => quoted(text, (hex) => `\\u${hex}`);

const notation: Notation = {
  string,
  truth: (value) => (value ? "True" : "False"),
  list: (items, indent) => bracketed("[", items, "]", indent),
  object: (members, indent) =>
    bracketed(
      "{",
      members.map(([name, value]) => `${string(name)}: ${value}`),
      "}",
      indent,
    ),
};

/** A program with OpenAI's client; what chats do not have goes into `x_unmask`. */
export const writePython: Writer = (request) =>
  request.fields.fields === undefined ? writeChat(request) : writeReading(request);

const writeChat: Writer = ({ baseUrl, fields, pictures }) => {
  const {
    model,
    question: _question,
    messages: _messages,
    temperature,
    seed,
    stop,
    ...own
  } = fields;
  const known: Record<string, unknown> = { temperature, seed, stop };
  const lines = [
    `model=${string(model ?? "unmask-demo")}`,
    `messages=${literal(messagesOf(fields, pictures), notation, "    ")}`,
    ...Object.entries(known).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${literal(value as Value, notation, "    ")}`],
    ),
    ...(Object.keys(own).length === 0
      ? []
      : [
          `extra_body=${literal({ x_unmask: own as { readonly [name: string]: Value } }, notation, "    ")}`,
        ]),
  ];
  const hasFiles = pictures.some(({ kind }) => kind === "file");
  return `${hasFiles ? "import base64\n" : ""}import os

from openai import OpenAI

client = OpenAI(base_url=${string(`${baseUrl}/v1`)}, api_key=os.environ["UNMASK_KEY"])
${hasFiles ? READ_PICTURE : ""}
completion = client.chat.completions.create(
${lines.map((line) => `    ${line},\n`).join("")})
print(completion.choices[0].message.content)`;
};

/** A program with `requests`: values are no chat. */
const writeReading: Writer = ({ baseUrl, fields, pictures }) => {
  const images: readonly Value[] = pictures.map((picture) =>
    picture.kind === "url"
      ? { url: picture.url }
      : { data: new Expression(`picture(${string(picture.file)}, ${string(picture.type)})`) },
  );
  const body = {
    ...(fields as { readonly [name: string]: Value }),
    ...(images.length === 0 ? {} : { images }),
  };
  const hasFiles = pictures.some(({ kind }) => kind === "file");
  return `${hasFiles ? "import base64\n" : ""}import os

import requests
${hasFiles ? READ_PICTURE : "\n"}reply = requests.post(
    ${string(`${baseUrl}/v1/answers`)},
    headers={"Authorization": "Bearer " + os.environ["UNMASK_KEY"]},
    json=${literal(body, notation, "    ")},
)
reply.raise_for_status()
for name, read in reply.json()["fields"].items():
    print(name, read["value"])`;
};

const READ_PICTURE = `

def picture(path, type):
    with open(path, "rb") as file:
        return f"data:{type};base64," + base64.b64encode(file.read()).decode()

`;

function messagesOf(
  { question = "", messages }: Fields,
  pictures: readonly ShownPicture[],
): readonly Value[] {
  const said = messages ?? [{ role: "user", content: question }];
  const images: readonly Value[] = pictures.map((picture) => ({
    type: "image_url",
    image_url: {
      url:
        picture.kind === "url"
          ? picture.url
          : new Expression(`picture(${string(picture.file)}, ${string(picture.type)})`),
    },
  }));
  // Pictures stand in the first message of the user, where the page's own request has them too.
  return said.map(({ role, content }, index) => ({
    role,
    content:
      index > 0 || images.length === 0 ? content : [...images, { type: "text", text: content }],
  }));
}
