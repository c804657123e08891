import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { createAdminClient } from "#client/admin.ts";
import { KEY_SCOPES } from "#wire/api/accounts/key.ts";
import { type LocalSystem, startLocalSystem } from "./local-system.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where test files ask for the system that they share. */
    readonly sharedSystem: string;
  }
}

/** The demo model's system of a whole run, with an account that nobody else has. */
export interface SharedSystem {
  readonly url: string;
  /** Of an account of the file's own: its credit, answers, cache and limits are its alone. */
  readonly key: string;
  /** Opens further accounts; their ids are to be told from other files'. */
  readonly admin_key: string;
  readonly model: string;
  readonly models: readonly string[];
}

/** Ten dollars, as `npm start` gives. */
const CREDIT_MICROS = 10_000_000;

/**
 * The system that the files of a run share: started for the first that asks, and ended with the run. Whoever ends or stops a part of
 * it, or starts it with settings of its own, calls `startLocalSystem`.
 */
export async function sharedSystem(name: string): Promise<SharedSystem> {
  const reply = await fetch(inject("sharedSystem"));
  if (!reply.ok) throw new Error(`the shared system does not start: ${await reply.text()}`);
  const { url, admin_key, model, models } = (await reply.json()) as Omit<SharedSystem, "key">;
  const admin = createAdminClient({ baseUrl: url, apiKey: admin_key });
  const { id: account } = await admin.createAccount({ name });
  await admin.grant(account, { id: "first-start", amount_micros: CREDIT_MICROS });
  const made = { account, name, environment: "test", scopes: KEY_SCOPES } as const;
  const { key } = await admin.createKey(made);
  return { url, key, admin_key, model, models };
}

/** Vitest calls it in its own process before the first file: a door behind which the system starts once somebody knocks. Returns how to end it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<LocalSystem> | undefined;
  // Other programs of this machine do not guess it.
  const door = `/${randomUUID()}`;
  const server = createServer((request, response) => {
    if (request.url !== door) return void response.writeHead(404).end();
    starting ??= startLocalSystem("programs");
    starting.then(
      ({ url, admin_key, model, models }) =>
        response.end(JSON.stringify({ url, admin_key, model, models })),
      (cause: unknown) => response.writeHead(500).end(String(cause)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  project.provide("sharedSystem", `http://127.0.0.1:${port}${door}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    // One that could not start has been told of already.
    const system = await starting?.catch(() => undefined);
    await system?.[Symbol.asyncDispose]();
  };
}
