/** How a room is laid out: its folders, and which of them each may import. What lies inside a folder is a part of it. */
export interface Layout {
  /** Folder, or a group of files beside the folders, by what it may import. */
  readonly arrows: Readonly<Record<string, readonly string[]>>;
  /** The group of each file beside the folders; those that are not named are `base`. */
  readonly beside: Readonly<Record<string, string>>;
  /** Files that may import against the arrows, types only, and why. */
  readonly exceptions: Readonly<Record<string, { to: readonly string[]; because: string }>>;
}

/** The two rooms that have more folders than a reader keeps in mind. One direction: no arrow leads back, over any detour. */
export const layouts: Readonly<Record<string, Layout>> = {
  edge: {
    arrows: {
      base: [],
      storage: [],
      accounts: ["storage"],
      keys: ["accounts", "storage"],
      request: ["base", "keys"],
      function: ["base"],
      cache: ["base", "function", "keys"],
      webhooks: ["base", "function", "keys", "request", "storage"],
      ledger: ["base", "storage", "webhooks"],
      pictures: ["base", "function", "keys", "request"],
      answers: "base storage keys request function cache webhooks ledger pictures".split(" "),
      batches: "base storage keys request cache webhooks ledger pictures answers".split(" "),
      usage: ["accounts", "base", "keys", "request"],
      headers: ["cache", "keys", "ledger", "request"],
      guard: ["base", "headers", "keys", "request"],
      routes: [
        ..."base accounts keys request function cache webhooks ledger pictures".split(" "),
        ..."answers batches usage headers guard".split(" "),
      ],
      root: "request cache webhooks ledger answers batches usage guard routes".split(" "),
    },
    beside: {
      "app.ts": "root",
      "worker.ts": "root",
      "env.ts": "request",
      "caller-context.ts": "request",
    },
    exceptions: {
      "src/edge/env.ts": {
        to: ["answers", "batches", "cache", "ledger", "webhooks"],
        because:
          "wrangler's bindings name the objects' classes, and the platform gives the bindings to each object",
      },
    },
  },
  wire: {
    arrows: {
      base: [],
      codec: [],
      function: ["base", "codec"],
      api: ["base", "codec", "function"],
      compatible: ["base", "codec", "function", "api"],
      events: ["base", "function", "api", "compatible"],
    },
    beside: { "event-schemas.ts": "events" },
    exceptions: {},
  },
};
