import { parseArguments, UsageError } from "#cli/command.ts";
import { ENVIRONMENTS, type Environment } from "./config/wrangler-config.ts";

export const HELP = `npm run deploy -- [COMMAND] [--env production|staging] [option …]

Brings the edge of one environment of wrangler.toml to where the file says: databases, queues, buckets, keys, then the Worker.
What is there is found by its name and left alone, so a run that broke in the middle is simply run again. Functions are
deployed before edges: give them the key that the first run tells, then fill FUNCTION_URL and FETCH_URL in.

  (none)             say what is to be done, ask, do it, and try it out
  keys               make the ticket key pair, once, and print what the functions' UNMASK_TICKET_KEYS is to be
  rollback [VERSION] deploy a version of before, the last one unless named; refused where it cannot read what newer ones wrote
  rotate ticket      replace the key that signs tickets: functions take both, the edge signs with the new, the old one goes.
                     Goes as far as it can and says what is next; run it again until it says that it is done
  rotate admin       first run: a second administrator's key opens as well; second run: it alone does
  smoke              quote, ask, replay, deliver a webhook; each with its time, and what it cost

  --env NAME         production (the default) or staging
  --dry-run          only say what would be done, and build the Worker; needs no network and no account
  --json             say it as JSON
  --yes              do not ask; needed where there is no terminal
  --adopt            deploy over a Worker of that name that this command has not deployed
  --unchecked        roll back to a version that does not say what it can read
  --old-keys         roll back to a version whose keys were replaced since: they open and sign again
  --no-smoke         do not try it out after deploying
  --url URL          with smoke: where the edge is
  --key KEY          with smoke: whose credit pays (UNMASK_KEY). Without one the administrator's key (UNMASK_ADMIN_KEY, or the
                     one that was made here) opens an account "smoke" with a cent, and its key is revoked in the end
  --receiver URL     with smoke: where the webhook goes; must answer 2xx. Default: a receiver on this machine where the edge is
                     on this machine, otherwise the edge's own /health, which only proves that it was reached

Keys and the resolved configuration lie in .unmask/deploy/NAME (UNMASK_DEPLOY_STATE), which only you can read.
Exit status: 0 done · 1 a step failed · 64 wrong arguments or placeholders left · 69 log in, or wait, and run it again.
`;

export type Command = "deploy" | "keys" | "rollback" | "rotate ticket" | "rotate admin" | "smoke";

export interface Options {
  readonly command: Command | "help";
  /** Of `rollback`; null: the one before. */
  readonly version: string | null;
  readonly environment: Environment;
  readonly isDryRun: boolean;
  readonly isJson: boolean;
  readonly isYes: boolean;
  readonly isAdopting: boolean;
  readonly isUnchecked: boolean;
  readonly takesOldKeys: boolean;
  readonly isTriedOut: boolean;
  readonly url: string | null;
  readonly key: string | null;
  readonly receiver: string | null;
}

const FLAG = { type: "boolean", default: false } as const;

/** Reads the command line. Throws UsageError. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      env: { type: "string", default: "production" },
      help: { ...FLAG, short: "h" },
      "dry-run": FLAG,
      json: FLAG,
      yes: { ...FLAG, short: "y" },
      adopt: FLAG,
      unchecked: FLAG,
      "old-keys": FLAG,
      "no-smoke": FLAG,
      url: { type: "string" },
      key: { type: "string" },
      receiver: { type: "string" },
    },
  } as const);
  const [command, version] = commandOf(positionals);
  const environment = ENVIRONMENTS.find((name) => name === values.env);
  if (environment === undefined)
    throw new UsageError(`--env is ${values.env}; write ${ENVIRONMENTS.join(" or ")}`);
  const isChanging = command !== "deploy";
  if (values["dry-run"] && isChanging)
    throw new UsageError(`${command} has no --dry-run: it says what it means before it does it`);
  return {
    command: values.help ? "help" : command,
    version,
    environment,
    isDryRun: values["dry-run"],
    isJson: values.json,
    isYes: values.yes,
    isAdopting: values.adopt,
    isUnchecked: values.unchecked,
    takesOldKeys: values["old-keys"],
    isTriedOut: !values["no-smoke"],
    url: values.url ?? null,
    key: values.key ?? null,
    receiver: values.receiver ?? null,
  };
}

function commandOf(words: readonly string[]): readonly [Command, string | null] {
  const [first, second, ...rest] = words;
  if (rest.length > 0) throw new UsageError(`"${rest.join(" ")}" is too much`);
  switch (first) {
    case undefined:
      return ["deploy", null];
    case "rollback":
      return ["rollback", second ?? null];
    case "rotate":
      if (second === "ticket" || second === "admin") return [`rotate ${second}`, null];
      throw new UsageError("say which key: rotate ticket or rotate admin");
    case "keys":
    case "smoke":
      if (second !== undefined) throw new UsageError(`"${second}" is too much`);
      return [first, null];
    default:
      throw new UsageError(`there is no command "${first}"`);
  }
}
