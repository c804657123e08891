/** What can change: the lists of the dashboard, by name. */
export type Topic =
  | "account"
  | "usage"
  | "refusals"
  | "ledger"
  | "keys"
  | "endpoints"
  | "deliveries"
  | "answers"
  | "sessions"
  | "accounts"
  | "functions"
  | "payments";

/** What tabs of one browser tell each other: that somebody signed in or out, or which lists have changed. No contents. */
export type Told =
  | { readonly kind: "session" }
  | { readonly kind: "changed"; readonly topics: readonly Topic[] };

export interface Tabs {
  tell(told: Told): void;
}

const CHANNEL = "unmask-account";

/** Tells the other tabs, and calls back with what they tell. */
export function joinTabs(onTold: (told: Told) => void): Tabs {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", ({ data }: MessageEvent<Told>) => onTold(data));
  return { tell: (told) => channel.postMessage(told) };
}
