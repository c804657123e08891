import { createClient, type ModelList } from "#client/client.ts";
import type { CommandIo } from "../command.ts";
import { briefly, type Connection } from "../connection.ts";
import { printableLine } from "../terminal/printable.ts";

/** Prints the models that a service serves, what each knows, and when its answers count as none. */
export async function printServed(connection: Connection, io: CommandIo): Promise<void> {
  const { data } = await createClient(briefly(connection)).models({ signal: io.signal });
  io.stdout.write(data.map(drawn).join("\n"));
}

type Model = ModelList["data"][number];

/** Members that a service of before does not tell are told as unknown. */
function drawn(model: Model): string {
  const { id, digest, format, provider } = model;
  const { domain = null, confidence, read }: Partial<Model> = model;
  const below = confidence?.abstains_below ?? null;
  const lines = [
    `${id} (${format}, ${provider}), weights ${digest.slice(0, 12)}…`,
    domain === null ? "its maker does not say what pictures it is for" : domain.description,
    ...(domain?.things == null ? [] : [`it knows ${domain.things.join(", ")}`]),
    ...(domain?.scored === true ? ["answers say whether a picture is of that: in_domain"] : []),
    ...(below === null ? [] : [`answers below a confidence of ${below} count as none: abstained`]),
    ...(read == null ? [] : [readingLine(read)]),
  ];
  return `${lines.map(printableLine).join("\n  ")}\n`;
}

function readingLine({ style, fitted }: NonNullable<Model["read"]>): string {
  const asked = style === "lines" ? "all in one canvas" : "one question each";
  return fitted.length === 0
    ? `it reads fields, ${asked}; their probabilities are not fitted`
    : `it reads fields, ${asked}; probabilities are fitted of ${fitted.join(", ")}`;
}
