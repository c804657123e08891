import { createClient, type Health } from "#client/client.ts";
import { type CommandIo, EXIT, parseArguments } from "./command.ts";
import { briefly, CONNECTION_HELP, explain, findConnection } from "./connection.ts";
import { bar } from "./terminal/bar.ts";

export const STATUS_HELP: string = `Shows whether the service is up and how far its weights are.

Usage: unmask status [option …]

Options:
${CONNECTION_HELP}
  --json        the API's own reply

Exit codes: 0 ready · 1 the weights failed to load · 69 loading or not there
`;

/** The command `status`: see its help. */
export async function status(args: readonly string[], io: CommandIo): Promise<number> {
  const { url, json } = parse(args);
  const connection = findConnection({ url }, io);
  let health: Health;
  try {
    health = await createClient(briefly(connection)).health({ signal: io.signal });
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
  io.stdout.write(
    json
      ? `${JSON.stringify(health)}\n`
      : `edge      up at ${connection.baseUrl}\n${told(health)}\n`,
  );
  switch (health.function.state) {
    case "ready":
      return EXIT.done;
    case "failed":
      return EXIT.failed;
    default:
      return EXIT.unavailable;
  }
}

function told({ function: state }: Health): string {
  if (state.state === "unreachable") return "function  not reachable from the edge";
  const { name, version, digest } = state.model;
  const model = `model     ${name} ${version}, weights ${digest.slice(0, 12)}…`;
  if (state.state !== "loading") return `function  ${state.state}\n${model}`;
  const share = state.loaded_bytes / Math.max(1, state.total_bytes);
  const eta = state.eta_seconds === null ? "" : `, about ${Math.ceil(state.eta_seconds)} s to go`;
  const amount = `${gigabytes(state.loaded_bytes)} of ${gigabytes(state.total_bytes)} GB`;
  return `function  loading ${bar(share, 20)} ${Math.floor(share * 100)} %, ${amount}${eta}\n${model}`;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}

function parse(args: readonly string[]): { url?: string | undefined; json: boolean } {
  const { values } = parseArguments({
    args: [...args],
    options: { url: { type: "string" }, key: { type: "string" }, json: { type: "boolean" } },
  });
  return { url: values.url, json: values.json === true };
}
