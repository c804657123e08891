import { existsSync } from "node:fs";
import { UsageError } from "#cli/command.ts";
import { readState } from "../../local/state.ts";
import { EXIT_LATER, loginFault, type Surroundings, settleVersion } from "./deployment.ts";
import { functionSetting, type KeyStore, makeSecrets } from "./keys/key-store.ts";
import { proveKey } from "./keys/prove.ts";
import { rotateAdmin } from "./keys/rotate-admin.ts";
import { rotateTicket } from "./keys/rotate-ticket.ts";
import type { Options } from "./options.ts";
import { withSmokeKey } from "./smoke/account.ts";
import { type Smoke, smoke } from "./smoke/smoke.ts";
import { planRollback } from "./versions/rollback.ts";

const EXIT_FAILED = 1;

/** `keys`: what functions need before there is an edge. */
export async function keys({ store }: Surroundings): Promise<number> {
  if (store.ticketKeys().length === 0) await makeSecrets(store, ["TICKET_KEY"]);
  process.stderr.write("each function and the fetch hop must have\n");
  process.stdout.write(`${functionSetting(store.ticketKeys())}\n`);
  return 0;
}

/** `rollback`: says what it means, then does it. */
export async function rollBack(options: Options, surroundings: Surroundings): Promise<number> {
  const { cloud, wanted } = surroundings;
  const fault = await loginFault(cloud, wanted);
  if (fault !== null) return later(fault);
  const versions = await cloud.versions();
  const planned = planRollback(versions, await cloud.current(), options);
  if (!planned.ok) {
    process.stderr.write(`deploy: not rolled back\n${lines(planned.refusal)}`);
    return EXIT_FAILED;
  }
  const { to, means } = planned.value;
  process.stdout.write(lines(means));
  if (!options.isYes) {
    const said = [
      options.isUnchecked ? "--unchecked " : "",
      options.takesOldKeys ? "--old-keys " : "",
    ];
    process.stderr.write(
      `Nothing was done. To do it: npm run deploy -- rollback ${to.id} --env ${options.environment} ${said.join("")}--yes\n`,
    );
    return EXIT_LATER;
  }
  // Its own message again: by it the next rollback knows what it can read.
  await cloud.rollback(to.id, `back to ${to.tag}`);
  process.stderr.write(`${to.id} takes all requests\n`);
  return 0;
}

/** `rotate ticket`, `rotate admin`: as far as it goes now. */
export async function rotate(
  command: "rotate ticket" | "rotate admin",
  { cloud, wanted, store, now }: Surroundings,
): Promise<number> {
  const fault = await loginFault(cloud, wanted);
  if (fault !== null) return later(fault);
  const running = await settleVersion(cloud);
  const { FUNCTION_URL = "", FETCH_URL } = wanted.vars;
  const urls = [
    ...(FUNCTION_URL === "" ? [] : String(FUNCTION_URL).split(",")),
    ...(FETCH_URL === undefined ? [] : [String(FETCH_URL)]),
  ];
  const { isDone, says } =
    command === "rotate admin"
      ? await rotateAdmin(cloud, store, running)
      : await rotateTicket({
          cloud,
          store,
          running,
          now,
          prove: (key) =>
            proveKey(
              urls.map((url) => url.trim()),
              key,
              now,
            ),
        });
  process.stdout.write(lines(says));
  return isDone ? 0 : EXIT_LATER;
}

/** `smoke`, and what follows a deployment. */
export async function tryOut(
  options: Options,
  { store, signal }: Surroundings,
  url: string | null,
): Promise<number> {
  const known = existsSync(store.file("urls.json"))
    ? readState<readonly string[]>(store.file("urls.json"), store.file("urls.json"))[0]
    : undefined;
  const target = url ?? known;
  if (target === undefined) throw new UsageError("say where the edge is: --url https://…");
  const run = (key: string): Promise<Smoke> =>
    smoke({
      url: target,
      key,
      receiver: options.receiver,
      signal,
      onTried: ({ name, isGood, says, ms }) =>
        options.isJson ||
        process.stdout.write(
          `  ${isGood ? "ok    " : "FAILED"} ${name.padEnd(8)} ${says} (${ms} ms)\n`,
        ),
    });
  const key = options.key ?? process.env["UNMASK_KEY"];
  const adminKey = process.env["UNMASK_ADMIN_KEY"] ?? ownAdminKey(store);
  if (key === undefined && adminKey === undefined)
    throw new UsageError("say whose credit pays: --key umk_…, or UNMASK_ADMIN_KEY");
  const tried =
    key === undefined ? await withSmokeKey(target, adminKey ?? "", run) : await run(key);
  const isGood = tried.tried.every((one) => one.isGood);
  process.stdout.write(
    options.isJson
      ? `${JSON.stringify({ url: target, good: isGood, ...tried }, null, 2)}\n`
      : `${target} ${isGood ? "works" : "does not work"}; it cost ${tried.chargedMicros} micro-dollars\n`,
  );
  return isGood ? 0 : EXIT_FAILED;
}

function ownAdminKey(store: KeyStore): string | undefined {
  const file = store.file("admin-key.json");
  return existsSync(file) ? readState<{ ADMIN_KEY?: string }>(file, file).ADMIN_KEY : undefined;
}

function later(fault: string): number {
  process.stderr.write(`deploy: ${fault}\n`);
  return EXIT_LATER;
}

function lines(says: readonly string[]): string {
  return says.map((line) => `${line}\n`).join("");
}
