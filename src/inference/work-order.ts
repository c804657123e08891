import type { Failure } from "#domain/failure.ts";
import type { Question } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import {
  decodeOrderHead,
  HEAD_LENGTH_BYTES,
  MAX_HEAD_BYTES,
  type OrderHead,
} from "#wire/function/order.ts";
import { HOP_VERSION, isTicketFor, openTicket, type Ticket } from "#wire/function/ticket.ts";
import type { TicketVerificationKey } from "#wire/function/ticket-keys.ts";
import type { Log } from "./log.ts";
import { createSha256 } from "./sha256.ts";
import type { TicketLog } from "./ticket-log.ts";

/** What work orders are checked with. */
export interface WorkOrderParts {
  readonly ticketKeys: readonly TicketVerificationKey[];
  readonly tickets: TicketLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Checks a work order before a byte of the body is read: strangers get neither memory nor a place. Refuses with
 * `ticket_refused`: there is none, it is not ours, too old, or was used before; and with `function_outdated`, unread, where
 * it is of a version to come.
 */
export async function readTicket(
  { headers }: Request,
  { ticketKeys, tickets, now, log }: WorkOrderParts,
): Promise<Result<Ticket, Failure>> {
  const [scheme, jwt] = (headers.get("authorization") ?? "").split(" ");
  if (scheme !== "Bearer" || jwt === undefined) {
    return refuse({ kind: "ticket_refused", reason: "there is none" });
  }
  const ticket = await openTicket(jwt, ticketKeys, now());
  if (!ticket.ok) {
    log("ticket.refused", { reason: ticket.refusal.reason });
    return ticket;
  }
  const { version } = ticket.value;
  if (version > HOP_VERSION) {
    log("ticket.refused", { reason: `of hop version ${version}`, job: ticket.value.jobId });
    return refuse({ kind: "function_outdated", version: HOP_VERSION, needed: version });
  }
  if (!tickets.admit(ticket.value.ticketId)) {
    log("ticket.refused", { reason: "used before", job: ticket.value.jobId });
    return refuse({ kind: "ticket_refused", reason: "used before" });
  }
  return ticket;
}

/**
 * Reads the body that a ticket was signed for, and no other. Refuses with `body_too_large` beyond `limitBytes`, and with
 * `ticket_refused`.
 */
export async function readTicketedBody(
  request: Request,
  ticket: Ticket,
  limitBytes: number,
  log: Log,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const body = await readBody(request, limitBytes);
  if (!body.ok || (await isTicketFor(ticket, body.value))) return body;
  log("ticket.refused", { reason: "for another body", job: ticket.jobId });
  return refuse({ kind: "ticket_refused", reason: "for another body" });
}

/**
 * Reads a work order as it arrives: its head, which the ticket was signed for, then each picture into the memory that it
 * stays in, as long as the head says, hashed on the way. Refuses with `ticket_refused` where head or picture are others than
 * were signed, and with `invalid_request` where the body has another length.
 */
export async function readOrder(
  request: Request,
  ticket: Ticket,
  log: Log,
): Promise<Result<Question, Failure>> {
  const body = new BodyReader(request.body);
  try {
    return await readFrom(body, ticket, log);
  } finally {
    await body.leave();
  }
}

async function readFrom(
  body: BodyReader,
  ticket: Ticket,
  log: Log,
): Promise<Result<Question, Failure>> {
  const length = new DataView((await body.read(HEAD_LENGTH_BYTES)).buffer).getUint32(0);
  if (length > MAX_HEAD_BYTES)
    return refuse({ kind: "body_too_large", limitBytes: MAX_HEAD_BYTES });
  const bytes = await body.read(length);
  if (ticket.bodySha256 !== (await sha256Hex(bytes))) return foreign("another body", ticket, log);
  const head = decodeOrderHead(bytes);
  if (!head.ok) return head;
  const images: Uint8Array[] = [];
  for (const picture of head.value.pictures) {
    const image = await readPicture(body, picture);
    if (image === undefined) return foreign("another picture", ticket, log);
    images.push(image);
  }
  if (!(await body.isAtEnd())) return cut;
  const { pictures: _, ...asked } = head.value;
  return body.isWhole ? ok({ ...asked, images }) : cut;
}

const cut: Result<never, Failure> = refuse({
  kind: "invalid_request",
  problems: [{ pointer: "", message: "is shorter or longer than its head says" }],
});

function foreign(reason: string, { jobId }: Ticket, log: Log): Result<never, Failure> {
  log("ticket.refused", { reason: `for ${reason}`, job: jobId });
  return refuse({ kind: "ticket_refused", reason: `for ${reason}` });
}

/** Undefined where it is another than the head names. */
async function readPicture(
  body: BodyReader,
  { bytes, sha256 }: OrderHead["pictures"][number],
): Promise<Uint8Array | undefined> {
  const hasher = createSha256();
  const image = await body.read(bytes, (chunk) => hasher.update(chunk));
  return !body.isWhole || hasher.digestHex() === sha256 ? image : undefined;
}

async function* chunksOf(
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* body ?? [];
}

/** Takes a body apart as it arrives. What is missing at its end reads as zeros, and `isWhole` as false. */
class BodyReader {
  readonly #chunks: AsyncGenerator<Uint8Array, void, undefined>;
  #left: Uint8Array = new Uint8Array();
  #isWhole = true;

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.#chunks = chunksOf(body);
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Reads so many bytes, each chunk told as it comes. */
  async read(
    length: number,
    onChunk: (chunk: Uint8Array) => void = () => undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let used = 0; used < length; ) {
      if (!(await this.#fill())) {
        this.#isWhole = false;
        break;
      }
      const part = this.#left.subarray(0, length - used);
      onChunk(part);
      bytes.set(part, used);
      used += part.length;
      this.#left = this.#left.subarray(part.length);
    }
    return bytes;
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill());
  }

  /** Lets go of what is not read. */
  async leave(): Promise<void> {
    await this.#chunks.return();
  }

  /** Has something at hand; false at the end. */
  async #fill(): Promise<boolean> {
    while (this.#left.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return false;
      this.#left = value;
    }
    return true;
  }
}

/** Reads a body of at most `limitBytes`, whatever its Content-Length claims. */
async function readBody(
  request: Request,
  limitBytes: number,
): Promise<Result<Uint8Array<ArrayBuffer>, Failure>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) return refuse({ kind: "body_too_large", limitBytes });
    chunks.push(chunk);
  }
  return ok(new Uint8Array(Buffer.concat(chunks)));
}
