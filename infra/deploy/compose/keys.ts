// One-shot of compose.yaml: draws the keys that are missing, each into the volume of those who need it, and ends.
//   node infra/deploy/compose/keys.ts EDGE FUNCTIONS STORAGE REGISTER MODEL URL…      (four folders; which model may register where)
// What is there is left alone: run again it changes nothing. A key is replaced by removing its file and running it again.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  generateTicketKeys,
  signingKeyText,
  type TicketSigningKey,
} from "#wire/function/ticket-keys.ts";

/** What the object storage knows its callers by. */
interface Credentials {
  readonly id: string;
  readonly secret: string;
}

const [edge = "", functions = "", storage = "", register = "", model = "", ...urls] =
  process.argv.slice(2);
if (urls.length === 0)
  throw new Error(
    "say where: node infra/deploy/compose/keys.ts EDGE FUNCTIONS STORAGE REGISTER MODEL URL…",
  );

const ticket = await signingKey(path.join(edge, "ticket-key.json"));
// From the private half each time: a run that ended between the two leaves no pair that does not fit.
const { d: _, ...verification } = ticket;
write(path.join(functions, "ticket-keys.json"), JSON.stringify([verification]));
const { d: __, ...registers } = await signingKey(path.join(register, "function-key.json"));
const mayRegister = [{ ...registers, urls, models: [model], region: "here" }];
write(path.join(edge, "function-keys.json"), JSON.stringify(mayRegister));
kept(path.join(edge, "admin-key"), () => `uma_${randomBytes(32).toString("hex")}`);
kept(path.join(functions, "metrics-token"), () => randomBytes(32).toString("hex"));
const reader = credentials(functions, "s3-reader");
const writer = credentials(storage, "s3-writer");
write(path.join(storage, "s3.json"), JSON.stringify(identities(reader, writer)));

async function signingKey(file: string): Promise<TicketSigningKey> {
  if (!existsSync(file)) {
    const { signing } = await generateTicketKeys(`k${randomBytes(6).toString("hex")}`);
    write(file, JSON.stringify(signing));
  }
  return signingKeyText.parse(readFileSync(file, "utf8"));
}

function credentials(folder: string, name: string): Credentials {
  return {
    id: kept(path.join(folder, `${name}-id`), () => randomBytes(16).toString("hex")),
    secret: kept(path.join(folder, `${name}-secret`), () => randomBytes(32).toString("hex")),
  };
}

/** As SeaweedFS reads them (`-s3.config`): functions read, the one that fills the bucket does everything. */
function identities(reader: Credentials, writer: Credentials): object {
  const identity = (name: string, { id, secret }: Credentials, actions: readonly string[]) => ({
    name,
    credentials: [{ accessKey: id, secretKey: secret }],
    actions,
  });
  return {
    identities: [
      identity("functions", reader, ["Read:unmask-weights", "List:unmask-weights"]),
      identity("weights", writer, ["Admin"]),
    ],
  };
}

function kept(file: string, draw: () => string): string {
  if (!existsSync(file)) write(file, draw());
  return readFileSync(file, "utf8");
}

/** Whole or not at all, readable by its owner alone: all containers here run as the same user. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
