import { type CommandIo, UsageError } from "../command.ts";
import { parseDollars } from "../terminal/table.ts";
import type { Endpoint } from "./answering/endpoint.ts";

/** What stands behind an `--against` and is of that endpoint alone. */
export const ENDPOINT_OPTIONS = {
  model: { type: "string" },
  name: { type: "string" },
  wire: { type: "string" },
  "api-key-env": { type: "string" },
  "max-tokens": { type: "string" },
  "price-in": { type: "string" },
  "price-out": { type: "string" },
  logprobs: { type: "boolean" },
} as const;

/** An option in the order in which it was written. Source: `tokens` of `node:util`'s `parseArgs`. */
export interface OptionToken {
  readonly name: string;
  readonly value?: string | undefined;
}

/** The options of one endpoint, as they were written. */
export type WrittenEndpoint = ReadonlyMap<string, string>;

/** Parts what is written behind each `--against` from what stands before all of them. Throws UsageError. */
export function writtenEndpoints(tokens: readonly OptionToken[]): {
  readonly endpoints: readonly WrittenEndpoint[];
  readonly ownModel: string | undefined;
} {
  const endpoints: Map<string, string>[] = [];
  let ownModel: string | undefined;
  for (const { name, value = "" } of tokens) {
    const current = endpoints.at(-1);
    if (name === "against") endpoints.push(new Map([["against", value]]));
    else if (!(name in ENDPOINT_OPTIONS)) continue;
    else if (current?.has(name) === true)
      throw new UsageError(`--${name} stands twice behind --against ${current.get("against")}`);
    else if (current !== undefined) current.set(name, value);
    else if (name === "model") ownModel = value;
    else throw new UsageError(`--${name} stands behind the --against that it belongs to`);
  }
  return { endpoints, ownModel };
}

/** Reads an endpoint. Throws UsageError that says what is missing, before anything is asked. */
export function endpointOf(written: WrittenEndpoint, env: CommandIo["env"]): Endpoint {
  const url = (written.get("against") ?? "").replace(/\/+$/, "");
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new UsageError(
      `--against takes an address such as http://127.0.0.1:8000/v1, and is ${url}`,
    );
  const model = written.get("model");
  if (model === undefined)
    throw new UsageError(
      `--against ${url} needs --model behind it, the name that the server knows`,
    );
  const wire = written.get("wire") ?? "chat";
  if (wire !== "chat" && wire !== "responses")
    throw new UsageError("--wire is one of chat, responses");
  const [input, output] = [priceOf(written, "price-in"), priceOf(written, "price-out")];
  if ((input === undefined) !== (output === undefined))
    throw new UsageError("--price-in and --price-out stand together: dollars for a million tokens");
  return {
    name: written.get("name") ?? model,
    url,
    model,
    wire,
    apiKey: keyOf(written.get("api-key-env"), env),
    maxTokens: tokensOf(written.get("max-tokens")),
    asksLogprobs: written.has("logprobs"),
    price: input === undefined || output === undefined ? undefined : { input, output },
  };
}

/** Keys come from the environment, never from an argument that every process list shows. */
function keyOf(name: string | undefined, env: CommandIo["env"]): string | undefined {
  if (name === undefined) return undefined;
  const key = env[name]?.trim() ?? "";
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new UsageError(`--api-key-env ${name}: there is no key in that variable`);
  return key;
}

function priceOf(written: WrittenEndpoint, name: string): number | undefined {
  const text = written.get(name);
  if (text === undefined) return undefined;
  const price = parseDollars(text);
  if (price === undefined)
    throw new UsageError(`--${name} is dollars for a million tokens, such as 0.15`);
  return price;
}

function tokensOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new UsageError("--max-tokens takes whole numbers from 1");
  return Number(text);
}
