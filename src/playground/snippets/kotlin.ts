import { bracketed, Expression, literal, type Notation, quoted, type Value } from "./literal.ts";
import type { Writer } from "./request.ts";

/** `$` begins a template. */
const string = (text: string): string => quoted(text, (hex) => `\\u${hex}`).replace(/\$/g, "\\$");

const notation: Notation = {
  string,
  list: (items, indent) => bracketed("listOf(", items, ")", indent),
  object: (members, indent) =>
    bracketed(
      "mapOf(",
      members.map(([name, value]) => `${string(name)} to ${value}`),
      ")",
      indent,
    ),
};

/** A request with what the JDK and Android bring; an app gets a client token from its own server in place of a key. */
export const writeKotlin: Writer = ({ baseUrl, fields, pictures }) => {
  const images: readonly Value[] = pictures.map((picture) =>
    picture.kind === "url"
      ? { url: picture.url }
      : { data: new Expression(`base64(${string(picture.file)})`) },
  );
  const body = {
    ...(fields as { readonly [name: string]: Value }),
    ...(images.length === 0 ? {} : { images }),
  };
  const hasFiles = pictures.some(({ kind }) => kind === "file");
  return `${hasFiles ? "import java.io.File\n" : ""}import java.net.HttpURLConnection
import java.net.URL
${hasFiles ? "import java.util.Base64\n" : ""}import org.json.JSONObject
${hasFiles ? READ_PICTURE : ""}
fun main() {
  val body = JSONObject(${literal(body, notation, "  ")})
  val connection = URL(${string(`${baseUrl}/v1/answers`)}).openConnection() as HttpURLConnection
  connection.requestMethod = "POST"
  connection.doOutput = true
  connection.setRequestProperty("Authorization", "Bearer " + System.getenv("UNMASK_KEY"))
  connection.setRequestProperty("Content-Type", "application/json")
  connection.outputStream.use { it.write(body.toString().toByteArray()) }

  val isOk = connection.responseCode < 400
  val reply = (if (isOk) connection.inputStream else connection.errorStream).bufferedReader().readText()
  println(JSONObject(reply).getString(if (isOk) "answer" else "detail"))
}`;
};

const READ_PICTURE = `
fun base64(path: String): String = Base64.getEncoder().encodeToString(File(path).readBytes())
`;
