import { existsSync } from "node:fs";
import { TICKET_LIFETIME_SECONDS } from "#wire/function/ticket.ts";
import { signingKeyText, type TicketSigningKey } from "#wire/function/ticket-keys.ts";
import { readState, writeWhole } from "../../../local/state.ts";
import type { Cloud, Version } from "../account/cloud.ts";
import { drawTicketKey, functionSetting, type KeyStore } from "./key-store.ts";
import type { Proof } from "./prove.ts";

/** How far a rotation came: done, or what somebody has to do before it goes on. */
export interface Rotated {
  readonly isDone: boolean;
  readonly says: readonly string[];
}

/** A ticket's life, and what the clocks of two machines and an object that is replaced late may add. */
export const OVERLAP_MS: number = 5 * TICKET_LIFETIME_SECONDS * 1000;

const NEXT = "next-ticket-key.json";

/**
 * Replaces the key that signs tickets, one stage after another, each of which a later run finds done: a pair is drawn; every function is
 * proven to take it; the edge signs with it; after the longest life of a ticket the old one may go.
 */
export async function rotateTicket(parts: {
  readonly cloud: Cloud;
  readonly store: KeyStore;
  /** Asks every function and the hop. */
  readonly prove: (key: TicketSigningKey) => Promise<readonly Proof[]>;
  readonly running: Version;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}): Promise<Rotated> {
  const { store, now } = parts;
  const rotation = store.rotation();
  if (rotation !== null && rotation.switchedAt !== null)
    return finish(store, rotation.switchedAt, now());
  const next = await nextKey(store);
  const proofs = await parts.prove(next);
  const faults = proofs.filter(({ fault }) => fault !== null);
  if (faults.length > 0)
    return {
      isDone: false,
      says: [
        ...faults.map(({ url, fault }) => `${url} ${fault}`),
        "give each function and the fetch hop both keys, start them anew, then run this again:",
        functionSetting(store.ticketKeys()),
        ...(store.ticketKeys().length < 2
          ? [
              "the key in use was made on another machine: keep what UNMASK_TICKET_KEYS has, and add this one",
            ]
          : []),
      ],
    };
  await switchEdge(parts, next);
  store.setRotation({ kid: next.kid, switchedAt: now() });
  writeWhole(store.file(NEXT), {});
  return {
    isDone: false,
    says: [
      ...proofs.map(({ url }) => `${url} takes the new key`),
      `the edge signs with ${next.kid}`,
      `tickets of before are good until ${untilText(now())}: run this again then`,
    ],
  };
}

/** Drawn once, and found again by every later run until the edge signs with it. */
async function nextKey(store: KeyStore): Promise<TicketSigningKey> {
  const file = store.file(NEXT);
  const kept = existsSync(file) ? readState<{ key?: string }>(file, file).key : undefined;
  if (kept !== undefined) return signingKeyText.parse(kept);
  const { signing, verification } = await drawTicketKey();
  writeWhole(file, { key: JSON.stringify(signing) });
  store.setTicketKeys([verification, ...store.ticketKeys().slice(0, 1)]);
  store.setRotation({ kid: verification.kid, switchedAt: null });
  return signing;
}

/** Makes a version with the new key, unless a run that broke off has, and has it take all requests. */
async function switchEdge(
  { cloud, running }: { readonly cloud: Cloud; readonly running: Version },
  next: TicketSigningKey,
): Promise<void> {
  const key = `key=${next.kid.slice(0, 8)}`;
  const message = `${running.message.replace(/ ?\bkey=\S+/, "")} ${key}`.trim();
  if (running.message.includes(key)) return;
  const made = async (): Promise<Version | undefined> =>
    (await cloud.versions()).find((version) => version.message === message);
  if ((await made()) === undefined)
    await cloud.changeSecrets({ TICKET_KEY: JSON.stringify(next) }, { tag: running.tag, message });
  const version = await made();
  if (version === undefined)
    throw new Error("the version with the new key is not listed yet: run this again");
  await cloud.release(version.id, message);
}

function finish(store: KeyStore, switchedAt: number, now: number): Rotated {
  if (now < switchedAt + OVERLAP_MS)
    return {
      isDone: false,
      says: [`tickets of before are good until ${untilText(switchedAt)}: run this again then`],
    };
  const [newest] = store.ticketKeys();
  if (newest !== undefined) store.setTicketKeys([newest]);
  store.setRotation(null);
  return {
    isDone: true,
    says: [
      "take the old key away from each function and the fetch hop, and start them anew:",
      functionSetting(store.ticketKeys()),
      "then the rotation is done",
    ],
  };
}

function untilText(switchedAt: number): string {
  return new Date(switchedAt + OVERLAP_MS).toISOString();
}
