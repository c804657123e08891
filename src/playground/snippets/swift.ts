import { bracketed, Expression, literal, type Notation, quoted, type Value } from "./literal.ts";
import type { Writer } from "./request.ts";

const string = (text: string): string => quoted(text, (hex) => `\\u{${hex}}`);

const notation: Notation = {
  string,
  list: (items, indent) => bracketed("[", items, "]", indent),
  object: (members, indent) =>
    members.length === 0
      ? "[:]"
      : bracketed(
          "[",
          members.map(([name, value]) => `${string(name)}: ${value}`),
          "]",
          indent,
        ),
};

/** A request with URLSession; an app gets a client token from its own server in place of a key. */
export const writeSwift: Writer = ({ baseUrl, fields, pictures }) => {
  const images: readonly Value[] = pictures.map((picture) =>
    picture.kind === "url"
      ? { url: picture.url }
      : { data: new Expression(`try base64(${string(picture.file)})`) },
  );
  const body = {
    ...(fields as { readonly [name: string]: Value }),
    // As JSON: a literal of dictionaries in dictionaries needs its types spelled out.
    ...(fields.fields === undefined
      ? {}
      : { fields: new Expression(`try json(${string(JSON.stringify(fields.fields))})`) }),
    ...(images.length === 0 ? {} : { images }),
  };
  const hasFiles = pictures.some(({ kind }) => kind === "file");
  return `import Foundation
${hasFiles ? READ_PICTURE : ""}${fields.fields === undefined ? "" : READ_JSON}
let token = ProcessInfo.processInfo.environment["UNMASK_KEY"] ?? ""
let body: [String: Any] = ${literal(body, notation)}
var request = URLRequest(url: URL(string: ${string(`${baseUrl}/v1/answers`)})!)
request.httpMethod = "POST"
request.setValue("Bearer \\(token)", forHTTPHeaderField: "Authorization")
request.setValue("application/json", forHTTPHeaderField: "Content-Type")
request.httpBody = try JSONSerialization.data(withJSONObject: body)

let (data, _) = try await URLSession.shared.data(for: request)
let answer = try JSONSerialization.jsonObject(with: data) as? [String: Any]
print(answer?["answer"] ?? answer?["detail"] ?? "")`;
};

const READ_PICTURE = `
func base64(_ path: String) throws -> String {
  try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString()
}
`;

const READ_JSON = `
func json(_ text: String) throws -> Any {
  try JSONSerialization.jsonObject(with: Data(text.utf8))
}
`;
