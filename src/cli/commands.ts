import type { Command } from "./command.ts";

/** A command as the list of them shows it; the rest is loaded when it is called for. */
interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly run: Command; readonly help?: string }>;
}

/** Every command of the tool, by name, as help lists them. */
export const commands: ReadonlyMap<string, Entry> = new Map([
  [
    "ask",
    {
      summary: "ask about pictures through the API",
      load: async () => {
        const { ask, ASK_HELP } = await import("./ask.ts");
        return { run: ask, help: ASK_HELP };
      },
    },
  ],
  [
    "read",
    {
      summary:
        "read values off pictures, each with its probability: tables, CSV, JSON, whole folders",
      load: async () => {
        const { READ_HELP, read } = await import("./read.ts");
        return { run: read, help: READ_HELP };
      },
    },
  ],
  [
    "open",
    {
      summary: "print the address that opens the playground in a browser",
      load: async () => {
        const { OPEN_HELP, open } = await import("./open.ts");
        return { run: open, help: OPEN_HELP };
      },
    },
  ],
  [
    "sign-in",
    {
      summary: "print the address that opens the dashboard in a browser, once",
      load: async () => {
        const { SIGN_IN_HELP, signIn } = await import("./sign-in.ts");
        return { run: signIn, help: SIGN_IN_HELP };
      },
    },
  ],
  [
    "replay",
    {
      summary: "ask an answer's question again and show whether the same answer comes about",
      load: async () => {
        const { REPLAY_HELP, replay } = await import("./replay.ts");
        return { run: replay, help: REPLAY_HELP };
      },
    },
  ],
  [
    "status",
    {
      summary: "show how far the service's weights are",
      load: async () => {
        const { STATUS_HELP, status } = await import("./status.ts");
        return { run: status, help: STATUS_HELP };
      },
    },
  ],
  [
    "delete",
    {
      summary: "delete answers, batches and uploaded pictures, with everything that came of them",
      load: async () => {
        const { DELETE_HELP, remove } = await import("./delete.ts");
        return { run: remove, help: DELETE_HELP };
      },
    },
  ],
  [
    "usage",
    {
      summary: "show what was asked and charged, by day, key and model",
      load: async () => {
        const { USAGE_HELP, usage } = await import("./usage.ts");
        return { run: usage, help: USAGE_HELP };
      },
    },
  ],
  [
    "webhooks",
    {
      summary: "say where the account is told what happened: add, test, change endpoints",
      load: async () => {
        const { WEBHOOKS_HELP, webhooks } = await import("./webhooks.ts");
        return { run: webhooks, help: WEBHOOKS_HELP };
      },
    },
  ],
  [
    "deliveries",
    {
      summary: "show what was sent to webhook endpoints, and send it again",
      load: async () => {
        const { DELIVERIES_HELP, deliveries } = await import("./deliveries.ts");
        return { run: deliveries, help: DELIVERIES_HELP };
      },
    },
  ],
  [
    "accounts",
    {
      summary: "open, list and erase accounts, as their administrator",
      load: async () => {
        const { ACCOUNTS_HELP, accounts } = await import("./accounts.ts");
        return { run: accounts, help: ACCOUNTS_HELP };
      },
    },
  ],
  [
    "keys",
    {
      summary: "create, list, rotate and revoke keys, as their administrator",
      load: async () => {
        const { KEYS_HELP, keys } = await import("./keys.ts");
        return { run: keys, help: KEYS_HELP };
      },
    },
  ],
  [
    "credit",
    {
      summary: "grant credit, refund answers and warn of low credit, as an account's administrator",
      load: async () => {
        const { CREDIT_HELP, credit } = await import("./credit.ts");
        return { run: credit, help: CREDIT_HELP };
      },
    },
  ],
  [
    "backup",
    {
      summary: "run, verify and restore the backups of ledgers and tables, as their administrator",
      load: async () => {
        const { BACKUP_HELP, backup } = await import("./backup.ts");
        return { run: backup, help: BACKUP_HELP };
      },
    },
  ],
  [
    "resend",
    {
      summary: "send usage that could not be copied again, as the administrator",
      load: async () => {
        const { RESEND_HELP, resend } = await import("./resend.ts");
        return { run: resend, help: RESEND_HELP };
      },
    },
  ],
  [
    "convert",
    {
      summary: "turn a checkpoint into a model bundle in object storage",
      load: async () => {
        const { CONVERT_USAGE, convert } = await import("./convert.ts");
        return { run: convert, help: CONVERT_USAGE };
      },
    },
  ],
  [
    "models",
    {
      summary: "show and remove the models that were converted on this machine",
      load: async () => {
        const { MODELS_HELP, models } = await import("./models.ts");
        return { run: models, help: MODELS_HELP };
      },
    },
  ],
  [
    "synth",
    {
      summary: "make a bundle of random weights, of any shape",
      load: async () => {
        const { SYNTH_USAGE, synth } = await import("./synth.ts");
        return { run: synth, help: SYNTH_USAGE };
      },
    },
  ],
  [
    "doctor",
    {
      summary: "say what this machine can run, and why not the rest",
      load: async () => {
        const { DOCTOR_HELP, doctor } = await import("./doctor.ts");
        return { run: doctor, help: DOCTOR_HELP };
      },
    },
  ],
  [
    "provider",
    {
      summary: "bring the files of a provider for NVIDIA cards, look at them, remove them",
      load: async () => {
        const { PROVIDER_HELP, provider } = await import("./provider.ts");
        return { run: provider, help: PROVIDER_HELP };
      },
    },
  ],
  [
    "eval",
    {
      summary:
        "measure this model and others on a test set: accuracy, latency and price, side by side",
      load: async () => {
        const [{ evaluateFile }, { EVAL_HELP }] = await Promise.all([
          import("./eval.ts"),
          import("./eval/help.ts"),
        ]);
        return { run: evaluateFile, help: EVAL_HELP };
      },
    },
  ],
  [
    "parity",
    {
      summary: "run the reference cases and compare every number",
      load: async () => ({ run: (await import("./parity.ts")).runParity }),
    },
  ],
]);
