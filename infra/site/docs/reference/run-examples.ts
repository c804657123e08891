import { spawn } from "node:child_process";
import { operationExamples, type RecordedReply } from "./examples.ts";

/** Where the examples ask, and as whom. */
export interface ExampleSystem {
  readonly url: string;
  readonly key: string;
  readonly admin_key: string;
}

/** A reply to an example, with the operation that it is of. */
export interface ExampleReply extends RecordedReply {
  readonly operationId: string;
}

/** Runs every example as it is printed, one after the other, in `folder`, where `cat.jpg` lies. */
export async function* runExamples(
  system: ExampleSystem,
  folder: string,
): AsyncGenerator<ExampleReply, void, undefined> {
  const variables: Record<string, string> = {
    UNMASK_URL: system.url,
    UNMASK_KEY: system.key,
    UNMASK_ADMIN_KEY: system.admin_key,
  };
  for (const [operationId, { curl, saves = {} }] of Object.entries(operationExamples)) {
    const reply = await runExample(curl, folder, variables);
    for (const [name, place] of Object.entries(saves))
      variables[name] = valueAt(JSON.parse(reply.body), place);
    yield { operationId, ...reply };
  }
}

/** What curl writes behind the body. */
const MARK = "\u001e";

async function runExample(
  curl: string,
  folder: string,
  variables: Readonly<Record<string, string>>,
): Promise<RecordedReply> {
  // The last curl is the example's own; what it replied beside the body is told behind it.
  const at = curl.lastIndexOf("curl -s");
  const told = `${curl.slice(0, at)}curl -s -w '${MARK}%{http_code} %{content_type}' ${curl.slice(at + "curl -s".length)}`;
  const child = spawn("sh", ["-ec", told], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`an example ended with ${code}:\n${curl}`);
  const [body = "", end = ""] = output.split(MARK);
  const [status, ...contentType] = end.split(" ");
  return { status: Number(status), contentType: contentType.join(" ") || null, body };
}

/** `data.0.id` of a reply. */
function valueAt(body: unknown, place: string): string {
  const value = place
    .split(".")
    .reduce<unknown>((within, name) => (within as Record<string, unknown>)?.[name], body);
  if (typeof value !== "string") throw new Error(`a reply has no ${place}`);
  return value;
}
