import type { PlaygroundPass } from "#client/playground-pass.ts";

const KEY = "unmask-pass";

/** Keeps the pass for the tabs of this page. A token ends within the hour, and opens nothing but what it asked itself. */
export function keepPass(pass: PlaygroundPass | null): void {
  if (pass === null) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, JSON.stringify(pass));
}

/** The kept pass, while it is good at `now`, milliseconds since 1970. */
export function keptPass(now: number): PlaygroundPass | null {
  const text = localStorage.getItem(KEY);
  if (text === null) return null;
  const pass = readPass(text);
  if (pass !== null && pass.expiresAt > now) return pass;
  localStorage.removeItem(KEY);
  return null;
}

/** Calls back when another tab was given a pass, or gave it up. Returns what ends the listening. */
export function onPassOfOtherTab(tell: () => void): () => void {
  const listener = ({ key }: StorageEvent): void => {
    if (key === KEY || key === null) tell();
  };
  addEventListener("storage", listener);
  return () => removeEventListener("storage", listener);
}

function readPass(text: string): PlaygroundPass | null {
  try {
    const { token, expiresAt } = JSON.parse(text) as Partial<PlaygroundPass>;
    return typeof token === "string" && typeof expiresAt === "number" ? { token, expiresAt } : null;
  } catch {
    return null;
  }
}
