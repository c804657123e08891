import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import {
  generateTicketKeys,
  type TicketSigningKey,
  type TicketVerificationKey,
} from "#wire/function/ticket-keys.ts";
import { newAdminKey } from "../../../local/local-key.ts";
import { readState, writeWhole } from "../../../local/state.ts";

/** Keys of one environment on the machine that deploys, in files that only their owner can read. */
export interface KeyStore {
  readonly folder: string;
  /** A path inside. */
  file(name: string): string;
  /** Secrets that were made and that the edge does not have yet, by name. */
  waiting(): Readonly<Record<string, string>>;
  /** Keeps them until `arrived`, so that a run that breaks off does not make others. */
  keepWaiting(secrets: Readonly<Record<string, string>>): void;
  /** The edge has these now: private ticket keys are forgotten here. */
  arrived(names: readonly string[]): void;
  /** What the functions are to trust, newest first; empty where none was made on this machine. */
  ticketKeys(): readonly TicketVerificationKey[];
  setTicketKeys(keys: readonly TicketVerificationKey[]): void;
  rotation(): TicketRotation | null;
  setRotation(rotation: TicketRotation | null): void;
}

/** How far the replacing of a ticket key is. */
export interface TicketRotation {
  /** Name of the new key. */
  readonly kid: string;
  /** When the edge began to sign with it, milliseconds since 1970; null: not yet. */
  readonly switchedAt: number | null;
}

/** Opens the folder of an environment, made where it is not there. */
export function openKeyStore(folder: string): KeyStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name: string): string => path.join(folder, name);
  const read = <Content>(name: string, otherwise: Content): Content =>
    existsSync(file(name)) ? readState<Content>(file(name), file(name)) : otherwise;
  const write = (name: string, content: unknown): void => {
    if (content === null) rmSync(file(name), { force: true });
    else writeWhole(file(name), content);
  };
  const waiting = (): Record<string, string> => read("waiting.json", {});
  return {
    folder,
    file,
    waiting,
    keepWaiting: (secrets) => write("waiting.json", { ...waiting(), ...secrets }),
    arrived: (names) => {
      const left = Object.entries(waiting()).filter(([name]) => !names.includes(name));
      write("waiting.json", left.length === 0 ? null : Object.fromEntries(left));
    },
    ticketKeys: () => read<readonly TicketVerificationKey[]>("ticket-keys.json", []),
    setTicketKeys: (keys) => write("ticket-keys.json", keys),
    rotation: () => read<TicketRotation | null>("rotation.json", null),
    setRotation: (rotation) => write("rotation.json", rotation),
  };
}

/** Makes a pair for the functions and the edge; its name is drawn, and told in logs. */
export async function drawTicketKey(): Promise<{
  readonly signing: TicketSigningKey;
  readonly verification: TicketVerificationKey;
}> {
  return await generateTicketKeys(`t${randomBytes(6).toString("hex")}`);
}

/** Makes what of these is missing, and keeps it until the edge has it. Returns all that wait. */
export async function makeSecrets(
  store: KeyStore,
  names: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  for (const name of names) {
    if (store.waiting()[name] !== undefined) continue;
    if (name === "ADMIN_KEY") {
      const key = newAdminKey();
      writeWhole(store.file("admin-key.json"), { ADMIN_KEY: key });
      store.keepWaiting({ ADMIN_KEY: key });
    } else {
      const { signing, verification } = await drawTicketKey();
      // The public half first: a run that ends between the two leaves a key that nobody signs with.
      store.setTicketKeys([verification]);
      store.keepWaiting({ TICKET_KEY: JSON.stringify(signing) });
    }
  }
  return store.waiting();
}

/** How a function is told which keys to trust. */
export function functionSetting(keys: readonly TicketVerificationKey[]): string {
  return `UNMASK_TICKET_KEYS='${JSON.stringify(keys)}'`;
}
