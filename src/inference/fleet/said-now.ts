import type { Admission } from "../admission.ts";
import { servingOf } from "../host-status.ts";
import type { Metrics } from "../metrics.ts";
import type { ModelHost } from "../model-host.ts";
import type { SaidNow } from "./heartbeat.ts";
import type { Pace } from "./pace.ts";

/** What a function is asked for what it says of itself. */
export interface SayingParts {
  readonly model: string;
  readonly provider: string;
  readonly queueLength: number;
  readonly host: Pick<ModelHost, "health" | "isLoaded" | "status">;
  readonly admission: Pick<Admission, "load" | "places">;
  readonly metrics: Pick<Metrics, "queueSteps">;
  readonly pace: Pick<Pace, "msPerStep">;
  readonly isDraining: () => boolean;
  /** Since the process started, in milliseconds. */
  readonly upMs: () => number;
}

/** Makes what says how a function stands now. It notes the first moment at which its weights were there. */
export function createSaying(parts: SayingParts): () => SaidNow {
  let loadedInMs: number | null = null;
  return () => {
    const { host, admission, metrics, pace } = parts;
    const serving = servingOf(host, parts.isDraining());
    if (loadedInMs === null && host.isLoaded()) loadedInMs = Math.max(1, Math.round(parts.upMs()));
    const status = host.status();
    const { running, waiting } = admission.load();
    return {
      model: parts.model,
      provider: parts.provider,
      digest: status.ok ? status.value.model.digest : null,
      numerics: status.ok ? (status.value.numerics ?? null) : null,
      state: serving.status === "ready" ? "warm" : serving.status,
      eta_seconds: serving.status === "loading" ? serving.eta_seconds : null,
      loaded_in_ms: loadedInMs,
      queued_steps: metrics.queueSteps(),
      ms_per_step: pace.msPerStep(),
      ...{ running, waiting, places: admission.places, queue_length: parts.queueLength },
    };
  };
}
