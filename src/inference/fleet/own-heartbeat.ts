import { randomUUID } from "node:crypto";
import type { ModelCard } from "#wire/function/status.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { ModelHost } from "../model-host.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";
import { createSaying, type SayingParts } from "./said-now.ts";

/** Begins to tell the edges of this process that it is there; undefined where it registers with none. */
export function startOwnHeartbeat(
  { fleet, model, provider, queueLength }: Config,
  parts: Pick<SayingParts, "admission" | "metrics" | "pace" | "isDraining"> & {
    readonly host: ModelHost;
    readonly log: Log;
  },
): Heartbeat | undefined {
  if (fleet === undefined) return undefined;
  let card: ModelCard | undefined;
  parts.host.described(new AbortController().signal).then(
    (described) => {
      card = described.card;
    },
    () => undefined, // already told
  );
  const upMs = (): number => process.uptime() * 1000;
  return startHeartbeat({
    config: fleet,
    instance: randomUUID(),
    say: createSaying({ model, provider, queueLength, upMs, ...parts }),
    card: () => card,
    now: Date.now,
    fetch,
    log: parts.log,
  });
}
