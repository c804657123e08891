/** How a folder is laid out: the folders in it, and which of them each may import. What lies deeper is a part of them. */
export interface Layout {
  /** Folder, or a group of files beside the folders, by what it may import. */
  readonly arrows: Readonly<Record<string, readonly string[]>>;
  /** The group of each file beside the folders; those that are not named are `base`. */
  readonly beside: Readonly<Record<string, string>>;
}

/** The two rooms that have more folders than a reader keeps in mind, and their folders that have folders. One direction: no arrow leads back, over any detour. */
export const layouts: Readonly<Record<string, Layout>> = {
  "src/edge": {
    arrows: {
      telemetry: [],
      base: ["telemetry"],
      storage: [],
      accounts: ["storage"],
      keys: ["accounts", "storage"],
      sessions: ["base", "keys", "storage"],
      request: ["base", "keys"],
      questions: [],
      function: ["base"],
      fleet: ["base", "storage", "questions", "function"],
      models: ["base", "fleet", "function"],
      cache: ["base", "models", "keys", "questions"],
      webhooks: ["base", "function", "keys", "storage"],
      ledger: ["base", "storage", "webhooks"],
      pictures: ["base", "function", "keys", "request", "questions"],
      payments: ["base", "accounts", "ledger", "storage"],
      answers:
        "base storage keys request questions fleet models cache webhooks ledger pictures telemetry".split(
          " ",
        ),
      batches: "base storage keys request questions cache webhooks ledger pictures answers".split(
        " ",
      ),
      retention: "base storage function fleet ledger pictures answers batches backup".split(" "),
      env: "base keys sessions fleet cache webhooks ledger pictures answers batches".split(" "),
      metrics: ["base", "models", "env", "backup"],
      usage: ["accounts", "answers", "base", "keys", "storage", "env"],
      backup: ["base", "accounts", "payments", "webhooks", "ledger", "storage", "usage"],
      headers: ["cache", "keys", "ledger", "questions", "env"],
      guard: ["base", "accounts", "headers", "keys", "sessions", "usage", "env", "telemetry"],
      routes: [
        ..."base accounts keys sessions request questions function fleet models cache webhooks".split(
          " ",
        ),
        ..."ledger payments pictures answers batches retention env usage metrics backup headers guard".split(
          " ",
        ),
      ],
      root: "base storage telemetry env fleet cache webhooks ledger answers batches retention usage backup guard routes".split(
        " ",
      ),
    },
    beside: {
      "app.ts": "root",
      "worker.ts": "root",
      "scheduled.ts": "root",
      "env.ts": "env",
      "caller-context.ts": "request",
    },
  },
  "src/edge/answers": {
    arrows: {
      storage: [],
      making: ["storage"],
      base: ["making", "storage"],
      hosting: ["base", "making", "storage"],
    },
    beside: {},
  },
  "src/edge/batches": {
    arrows: { storage: [], base: ["storage"] },
    beside: {},
  },
  "src/edge/fleet": {
    arrows: { policy: [], storage: ["policy"], base: ["policy", "storage"] },
    beside: {},
  },
  "src/edge/ledger": {
    arrows: { limits: [], storage: [], backup: ["storage"], base: ["backup", "limits", "storage"] },
    beside: {},
  },
  "src/edge/backup": {
    arrows: {
      base: [],
      tables: ["base"],
      ledgers: ["base", "forgetting"],
      forgetting: ["base", "tables"],
      endpoints: ["base", "ledgers"],
      restore: ["base", "tables", "ledgers", "endpoints", "forgetting"],
      run: ["base", "tables", "ledgers", "endpoints", "forgetting"],
    },
    beside: { "forgetting.ts": "forgetting", "run-backup.ts": "run", "verify.ts": "run" },
  },
  "src/edge/routes": {
    arrows: {
      describe: [],
      base: ["describe"],
      accounts: ["base", "describe"],
      answers: ["base", "describe"],
      compatible: ["base", "describe", "answers"],
      webhooks: ["base", "describe"],
      openapi: ["base", "describe", "accounts", "answers", "compatible", "webhooks"],
    },
    beside: {},
  },
  "src/edge/webhooks": {
    arrows: { storage: [], base: ["storage"] },
    beside: {},
  },
  "src/wire": {
    arrows: {
      base: [],
      codec: [],
      body: ["base"],
      telemetry: ["base"],
      function: ["base", "codec", "body", "telemetry"],
      fleet: ["base", "codec", "function"],
      api: ["base", "codec", "body", "function"],
      compatible: ["base", "codec", "body", "function", "api"],
      events: ["base", "function", "api", "compatible"],
    },
    beside: { "event-schemas.ts": "events" },
  },
  "src/wire/api": {
    arrows: {
      base: [],
      accounts: ["base"],
      answers: ["base"],
      webhooks: ["base", "answers"],
    },
    beside: {},
  },
};
