// What the Worker writes to the console is sent to Vitest from the runner's own context alone. The plugin parks what another context
// writes (a request's, a Durable Object's) until the runner sends something else; where that is a file's last word, Vitest waits for
// ever for it to be sent (github.com/cloudflare/workers-sdk/issues/15719). So it is kept until the test is over.

const LEVELS = ["debug", "error", "info", "log", "warn"] as const;
type Level = (typeof LEVELS)[number];

interface KeptConsole extends Console {
  /** Set where it keeps lines already: Vitest runs set-up files for every file of tests, over one console. */
  tellKept?: () => void;
}

interface KeptLine {
  readonly level: Level;
  readonly said: readonly unknown[];
}

/** Has the console keep its lines from now on. Returns what writes them, to be called by the runner. */
export function keepConsole(console: KeptConsole): () => void {
  if (console.tellKept !== undefined) return console.tellKept;
  const kept: KeptLine[] = [];
  const tell: Record<Level, (...said: unknown[]) => void> = {
    debug: console.debug,
    error: console.error,
    info: console.info,
    log: console.log,
    warn: console.warn,
  };
  for (const level of LEVELS)
    console[level] = (...said: unknown[]) => {
      kept.push({ level, said });
    };
  const tellKept = (): void => {
    for (const { level, said } of kept.splice(0)) tell[level](...said);
  };
  console.tellKept = tellKept;
  return tellKept;
}
