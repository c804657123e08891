/** Writes one event of the service's life. Never pictures, questions, answers or keys: only names, counts and times. */
export type Log = (event: string, fields?: Readonly<Record<string, LogValue>>) => void;

export type LogValue = string | number | boolean | null;

/** Makes a log of JSON lines: `{"time":…,"event":…,…}`. */
export function jsonLog(write: (line: string) => unknown, now: () => number): Log {
  return (event, fields = {}) => {
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), event, ...fields })}\n`);
  };
}

/** Tells an error and all its causes in one line, outermost first. */
export function errorChain(error: unknown): string {
  const words: string[] = [];
  for (
    let link = error;
    link !== undefined;
    link = link instanceof Error ? link.cause : undefined
  ) {
    words.push(link instanceof Error ? `${link.name}: ${link.message}` : String(link));
  }
  return words.join(" < ");
}
