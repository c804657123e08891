import { pngBytes } from "../../support/edge-builders.ts";
import { ask } from "../function-double.ts";

export const pngUri: string = `data:image/png;base64,${btoa(String.fromCharCode(...pngBytes))}`;

/** Sends a JSON body to one of the routes for other people's clients. */
export async function post(
  path: string,
  body: unknown,
  headers: HeadersInit = {},
): Promise<Response> {
  return await ask(path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
}

/** A chat with a picture. */
export function chat(overrides: object = {}): object {
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url: pngUri } },
  ];
  return { messages: [{ role: "user", content }], max_tokens: 4, ...overrides };
}

/** The `data:` lines of a stream, the way OpenAI's and Moondream's clients read them. */
export async function dataOf(response: Response): Promise<string[]> {
  const lines = (await response.text()).split("\n");
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      if (!line.startsWith("data: "))
        throw new Error(`a line that these clients do not read: ${line}`);
      return line.slice("data: ".length);
    });
}
