import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { generateTicketKeys } from "#wire/function/ticket-keys.ts";
import type { Aside, Tally } from "./customers.ts";
import type { Rows } from "./measure.ts";

/** The pair that signs and checks tickets. */
export type TicketPair = Awaited<ReturnType<typeof generateTicketKeys>>;

/** How far a soak is, and what it needs to go on. */
export interface SoakState {
  readonly apiPort: number;
  readonly storagePort: number;
  readonly functionPorts: readonly number[];
  readonly adminKey: string;
  readonly bindings: Readonly<Record<string, string>>;
  readonly ticketKeys: TicketPair;
  /** Of the accounts that ask. */
  readonly keys: string[];
  asked: number;
  readonly days: Rows[];
  readonly lost: string[];
  readonly kills: { edge: number; functions: number };
  readonly tally: Tally;
  readonly aside: Aside[];
  /** For how long it ran before. */
  seconds: number;
}

const fileOf = (folder: string): string => path.join(folder, "soak.json");

export function readSoakState(folder: string): SoakState | undefined {
  if (!existsSync(fileOf(folder))) return undefined;
  return JSON.parse(readFileSync(fileOf(folder), "utf8")) as SoakState;
}

/** Whole or not at all: a soak that is ended while it writes goes on from the day before. */
export function writeSoakState(folder: string, state: SoakState): void {
  writeFileSync(`${fileOf(folder)}.new`, JSON.stringify(state));
  renameSync(`${fileOf(folder)}.new`, fileOf(folder));
}
