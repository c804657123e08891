import { SignJWT } from "jose";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import type { PricedPicture } from "#domain/image/judge.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { sha256Hex } from "../codec/digest.ts";
import { type JwtTerms, verifyJwt } from "../codec/signed-jwt.ts";
import { MAX_IMAGES, MAX_OWNER_LENGTH } from "../limits.ts";
import {
  signingJwk,
  TICKET_ALGORITHM,
  type TicketSigningKey,
  type TicketVerificationKey,
} from "./ticket-keys.ts";

/**
 * The signed work order that the edge sends with every question: a JWT (RFC 7519) signed with Ed25519 (RFC 8037).
 * The edge alone holds the private key, functions hold public ones, so that a function that is broken into cannot order
 * work from the others.
 */
export interface Ticket {
  /** `jti`: unique per dispatch, so that a function may refuse to see one twice. */
  readonly ticketId: string;
  readonly jobId: string;
  readonly accountId: string;
  /**
   * The client token or subject within the account that asks; absent for the account's keys. What a function keeps of pictures is
   * found by nobody else; a function that does not know it keeps by account, and one of before for everybody.
   */
  readonly owner?: string;
  /** False: the function keeps nothing of its pictures, also not in memory. Absent: it may; a function that does not know it does. */
  readonly isStored?: boolean;
  readonly model: string;
  /** Lower-case hex SHA-256 of the request body that this ticket pays for; of a work order its head, which names its pictures. */
  readonly bodySha256: string;
  /**
   * Size and orientation of each picture of the body, as they were priced: what must come out of the decoder. In the ticket
   * and not in the body, whose bytes are the question's identity. Absent: nobody says, as in orders of version 1.
   */
  readonly pictures?: readonly PricedPicture[];
  /** Version of the hop that the order was written for: `HOP_VERSION` of its edge. */
  readonly version: number;
}

/** An order about to be signed, by an edge of this version. */
export type NewTicket = Omit<Ticket, "version">;

/**
 * Version of what edge and function say to each other, in the ticket and in `HOP_VERSION_HEADER` of the reply. It rises
 * whenever one of the two would take the other's words for something else than was meant. A function serves orders of its
 * own version and of all before, so functions are deployed first; an edge refuses the reply of an older function
 * (`function_outdated`), since it would be an answer to something else than was priced.
 *
 * 1: until pictures were turned by what was priced, and several padded; says no version. 2: says it. 3: modes beside
 * `exact`; the body is a head and files (`order.ts`), not JSON with the files as base64 (`generate.ts`), and the ticket is
 * signed for the head.
 */
export const HOP_VERSION = 3;

/** From this version on the body is an order of `order.ts`. */
export const FILES_HOP_VERSION = 3;

/** Reply header of a function: its `HOP_VERSION`. */
export const HOP_VERSION_HEADER = "unmask-hop-version";

const ISSUER = "unmask-edge";
const AUDIENCE = "unmask-function";

/** Seconds a ticket is good for: it must only survive the connection to the function, not the queue behind it. */
export const TICKET_LIFETIME_SECONDS = 60;

/** Seconds that the clocks of edge and function may differ. Time servers keep them within one; 5 leaves room for a slow sync. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** Threat: parsing and checking signatures of megabytes. A ticket is about 600 characters. */
const MAX_TICKET_LENGTH = 2048;

const ticketTerms: JwtTerms = {
  issuer: ISSUER,
  audience: AUDIENCE,
  maxAgeSeconds: TICKET_LIFETIME_SECONDS,
  toleranceSeconds: CLOCK_TOLERANCE_SECONDS,
  requiredClaims: ["exp", "iat", "jti", "sub"],
  maxLength: MAX_TICKET_LENGTH,
};

/** Signs a work order of this version. `now` in milliseconds since 1970. */
export async function signTicket(
  ticket: NewTicket,
  key: TicketSigningKey,
  now: number,
): Promise<string> {
  const issuedAt = Math.floor(now / 1000);
  return await new SignJWT({
    account: ticket.accountId,
    owner: ticket.owner,
    store: ticket.isStored,
    model: ticket.model,
    body_sha256: ticket.bodySha256,
    pictures: ticket.pictures?.map(({ width, height, orientation }) => [
      width,
      height,
      orientation,
    ]),
    version: HOP_VERSION,
  })
    .setProtectedHeader({ alg: TICKET_ALGORITHM, typ: "JWT", kid: key.kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(ticket.jobId)
    .setJti(ticket.ticketId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + TICKET_LIFETIME_SECONDS)
    .sign(signingJwk(key));
}

/**
 * Checks signature, issuer, audience and age: everything that can be known before a byte of the body is read. Refuses with
 * `ticket_refused`; its reason is for the log and the edge, never for the caller. That the body is the one paid for
 * (`isTicketFor`), and that a `ticketId` is not seen twice, is for the function to check.
 */
export async function openTicket(
  jwt: string,
  keys: readonly TicketVerificationKey[],
  now: number,
): Promise<Result<Ticket, Extract<Failure, { kind: "ticket_refused" }>>> {
  const verified = await verifyJwt(jwt, keys, now, ticketTerms);
  if (!verified.ok) return refuse({ kind: "ticket_refused", reason: verified.refusal });
  const ticket = ticketSchema.safeParse(verified.value.claims);
  if (!ticket.success) return refuse({ kind: "ticket_refused", reason: "claims are not a ticket" });
  if (ticket.data.exp - ticket.data.iat > TICKET_LIFETIME_SECONDS)
    return refuse({ kind: "ticket_refused", reason: "lives too long" });
  const { sub, jti, account, owner, store, model, body_sha256, pictures, version } = ticket.data;
  return ok({
    ticketId: jti,
    jobId: sub,
    accountId: account,
    ...(owner === undefined ? {} : { owner }),
    ...(store === undefined ? {} : { isStored: store }),
    model,
    bodySha256: body_sha256,
    ...(pictures === undefined ? {} : { pictures }),
    version,
  });
}

/** Says whether this is the body that the ticket was signed for. */
export async function isTicketFor(
  { bodySha256 }: Pick<Ticket, "bodySha256">,
  body: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  return bodySha256 === (await sha256Hex(body));
}

const name = z.string().min(1).max(128);
const side = z.int().min(1);
const picture = z
  .tuple([side, side, z.int().min(1).max(8)])
  .transform(([width, height, orientation]) => ({ width, height, orientation }));

// What a newer edge adds is passed over here: its version says whether that may be.
const ticketSchema = z.object({
  sub: name,
  jti: name,
  account: name,
  owner: z.string().min(1).max(MAX_OWNER_LENGTH).exactOptional(),
  store: z.boolean().exactOptional(),
  model: name,
  body_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  pictures: z.array(picture).max(MAX_IMAGES).exactOptional(),
  version: z.int().min(1).default(1),
  iat: z.int(),
  exp: z.int(),
});
