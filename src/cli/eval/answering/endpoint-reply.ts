import type { World } from "../world.ts";
import { retryAfterSeconds } from "./retry.ts";
import { memberOf } from "./wires/wire.ts";

/** What an endpoint sent back, before anybody looks for an answer in it. */
export type EndpointReply =
  | { readonly kind: "json"; readonly value: unknown }
  /** This question gets a no; `parameter` is what it names as the reason, if anything. */
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly said: string;
      readonly parameter: string;
    }
  /** Another attempt may succeed. */
  | {
      readonly kind: "passing";
      readonly code: string;
      readonly said: string;
      readonly waitSeconds: number | undefined;
    }
  /** Every other question would be told the same. */
  | { readonly kind: "fatal"; readonly said: string };

/** Threat: a reply without end. An answer of a hundred thousand tokens with their probabilities has less. */
const MAX_REPLY_BYTES: number = 32 * 1024 * 1024;

/** As much of what somebody says as a line of the terminal shows. */
const MAX_SAID = 200;

/** Refusals that mean this question and not the next one too. */
const QUESTION_STATUSES: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** Statuses besides 5xx after which the same request may succeed. Source: RFC 9110, RFC 6585. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** Reads a reply. Rejects where its connection breaks. */
export async function readReply(
  reply: Response,
  world: Pick<World, "date">,
): Promise<EndpointReply> {
  const text = await limitedText(reply);
  const { status } = reply;
  if (text === undefined)
    return {
      kind: "passing",
      code: "reply_too_large",
      said: `more than ${MAX_REPLY_BYTES} bytes`,
      waitSeconds: undefined,
    };
  const value = parsed(text);
  const said = saidBy(value, text);
  if (reply.ok)
    return value === undefined
      ? { kind: "passing", code: "not_json", said, waitSeconds: undefined }
      : { kind: "json", value };
  if (QUESTION_STATUSES.has(status))
    return {
      kind: "refused",
      code: refusalCode(value, status),
      said,
      parameter: parameterOf(value),
    };
  if (status >= 500 || PASSING_STATUSES.has(status)) {
    const waitSeconds = retryAfterSeconds(reply.headers.get("retry-after"), world.date());
    return { kind: "passing", code: `http_${status}`, said, waitSeconds };
  }
  return { kind: "fatal", said: `status ${status}: ${said}` };
}

async function limitedText(reply: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_REPLY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function saidBy(value: unknown, text: string): string {
  const message = memberOf(memberOf(value, "error"), "message") ?? memberOf(value, "detail");
  const said = typeof message === "string" ? message : text;
  return said.replace(/\s+/g, " ").trim().slice(0, MAX_SAID) || "nothing was said";
}

/** What an endpoint calls its refusal, as far as that is a name; else its status. */
function refusalCode(value: unknown, status: number): string {
  const code = memberOf(memberOf(value, "error"), "code");
  return typeof code === "string" && /^[\w.-]{1,64}$/.test(code) ? code : `http_${status}`;
}

function parameterOf(value: unknown): string {
  const parameter = memberOf(memberOf(value, "error"), "param");
  return typeof parameter === "string" ? parameter : "";
}
