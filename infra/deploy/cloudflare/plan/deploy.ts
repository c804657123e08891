import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline/promises";
import { writeWhole } from "../../../local/state.ts";
import { SITE_FOLDER } from "../../../site/site.ts";
import type { VersionLabel } from "../account/commands.ts";
import { placeholdersIn } from "../config/placeholders.ts";
import { EXIT_LATER, loginFault, ownVersion, type Surroundings } from "../deployment.ts";
import { tryOut } from "../key-commands.ts";
import { functionSetting } from "../keys/key-store.ts";
import type { Options } from "../options.ts";
import { adminMark, adminMarksIn, kidIn, messageOf, tagOf } from "../versions/label.ts";
import { readSchemas } from "../versions/schemas.ts";
import { execute } from "./execute.ts";
import { look } from "./look.ts";
import { type Plan, type Present, planDeployment } from "./plan.ts";
import { paint, showPlaceholders, showPlan } from "./show.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 64;

/** `npm run deploy`: plans, asks, does, tries out. Returns the exit status. */
export async function deploy(options: Options, surroundings: Surroundings): Promise<number> {
  const { wanted, toml, store, cloud, migrations, resolve } = surroundings;
  const placeholders = placeholdersIn(wanted, options.environment, toml);
  if (placeholders.length > 0 && !options.isDryRun) {
    process.stderr.write(showPlaceholders(placeholders));
    return EXIT_USAGE;
  }
  const build = await buildWorker(surroundings);
  if (options.isDryRun) {
    const plan = planDeployment(wanted, build.label(null), migrations, null);
    tellPlan(plan, options, { placeholders });
    if (!options.isJson && placeholders.length > 0)
      process.stdout.write(`\n${showPlaceholders(placeholders)}`);
    return 0;
  }
  const fault = await loginFault(cloud, wanted);
  if (fault !== null) {
    process.stderr.write(`deploy: ${fault}\n`);
    return EXIT_LATER;
  }
  process.stderr.write(`looking at what ${wanted.name} has …\n`);
  const present = await look(cloud, wanted, migrations, resolve);
  const stranger = strangerFault(wanted.name, present, options);
  if (stranger !== null) {
    process.stderr.write(`deploy: ${stranger}\n`);
    return EXIT_FAILED;
  }
  // A run that broke off after the last step had no time to forget what arrived.
  store.arrived([...(present.secrets ?? [])]);
  const plan = planDeployment(wanted, build.label(present), migrations, present);
  tellPlan(plan, options, {});
  if (plan.steps.every(({ state }) => state === "there")) {
    process.stderr.write("nothing is to be done\n");
    return 0;
  }
  if (!(await mayGoOn(options))) return EXIT_USAGE;
  const urls = await execute(plan, {
    cloud,
    wanted,
    store,
    resolve,
    label: () => build.label(present),
    withSecretsFile: (secrets, use) => withSecretsFile(store.file("secrets.json"), secrets, use),
    onStep: ({ kind, name }, event) =>
      process.stderr.write(event === "begins" ? `${kind} ${name} …\n` : `${kind} ${name} done\n`),
  });
  tellKeys(surroundings, plan);
  const [url] = urls;
  if (url !== undefined) {
    writeWhole(store.file("urls.json"), urls);
    process.stderr.write(`deployed: ${urls.join(" ")}\n`);
  }
  return options.isTriedOut ? await tryOut(options, surroundings, options.url ?? url ?? null) : 0;
}

/** Bundles the Worker as it will be deployed, so that what cannot be built is known before anything is touched. */
async function buildWorker({
  cloud,
  store,
  wanted,
  schemas,
}: Surroundings): Promise<{ readonly label: (present: Present | null) => VersionLabel }> {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-deploy-"));
  try {
    await cloud.build(folder);
    const tag = tagOf({
      version: ownVersion(),
      bundle: folder,
      site: SITE_FOLDER,
      // Without what names this machine.
      configuration: { ...wanted, main: "", configPath: "", userConfigPath: "" },
    });
    return {
      label: (present) => {
        const running = present?.versions.find(({ id }) => id === present.current);
        const waiting = store.waiting();
        const made = waiting["TICKET_KEY"] === undefined ? null : store.ticketKeys()[0]?.kid;
        const said = running?.message ?? "";
        const ticket = made ?? kidIn(said) ?? store.ticketKeys()[0]?.kid ?? null;
        const { ADMIN_KEY: drawn } = waiting;
        const admin = drawn === undefined ? adminMarksIn(said) : [adminMark(drawn)];
        return { tag, message: messageOf(schemas, { ticket, admin }) };
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A Worker of that name that somebody else deployed would be gone. */
function strangerFault(
  name: string,
  { secrets, versions }: Present,
  { isAdopting }: Options,
): string | null {
  if (secrets === null || versions.length === 0 || isAdopting) return null;
  const isOurs = versions.some(({ message }) => readSchemas(message) !== null);
  return isOurs
    ? null
    : `a Worker named ${name} is there, and this command has not deployed it: give the environment another name in wrangler.toml, or deploy over it with --adopt`;
}

function tellPlan(plan: Plan, { isJson, isDryRun }: Options, rest: object): void {
  const isTerminal = process.stdout.isTTY === true;
  process.stdout.write(
    isJson
      ? `${JSON.stringify({ dry_run: isDryRun, ...plan, ...rest }, null, 2)}\n`
      : showPlan(plan, isTerminal),
  );
}

async function mayGoOn({ isYes, environment }: Options): Promise<boolean> {
  if (isYes) return true;
  if (process.stdin.isTTY !== true) {
    process.stderr.write(
      "deploy: there is no terminal to ask at: look at the plan, then say --yes\n",
    );
    return false;
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test(await asking.question(`Do this to ${environment}? [y/N] `));
  } finally {
    asking.close();
  }
}

async function withSecretsFile<Value>(
  file: string,
  secrets: Readonly<Record<string, string>>,
  use: (file: string) => Promise<Value>,
): Promise<Value> {
  writeWhole(file, secrets);
  try {
    return await use(file);
  } finally {
    rmSync(file, { force: true });
  }
}

function tellKeys({ store }: Surroundings, { steps }: Plan): void {
  const made = steps.filter(({ kind, state }) => kind === "secret" && state !== "there");
  const color = paint(process.stderr.isTTY === true);
  if (made.some(({ name }) => name === "ADMIN_KEY"))
    process.stderr.write(`the administrator's key is in ${store.file("admin-key.json")}\n`);
  if (made.some(({ name }) => name === "TICKET_KEY"))
    process.stderr.write(
      `each function and the fetch hop must have\n  ${color(1, functionSetting(store.ticketKeys()))}\n`,
    );
}
