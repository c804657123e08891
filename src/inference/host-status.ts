import type { Failure } from "#domain/failure.ts";
import { numericsText } from "#domain/numerics.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import type { FunctionProgress } from "#wire/function/status.ts";
import { loadFaultOf } from "./fault.ts";
import type { ModelHost } from "./model-host.ts";
import type { ModelLoad } from "./model-loader.ts";
import type { Serving } from "./probes.ts";

export type Health =
  | { readonly status: "ok" }
  /** `reason`: a loader's code, the fault of a runtime, or the failure that condemned it. */
  | { readonly status: "failed"; readonly reason: string };

/** Before the manifest is there, neither version nor digest nor size are known, so there is only a refusal to give. */
export function statusOf(
  name: string,
  load: ModelLoad | undefined,
  engine: Pick<OrtEngine, "arithmetic"> | undefined,
  { openingError, health }: { readonly openingError: unknown; readonly health: Health },
): Result<FunctionProgress, Failure> {
  if (load === undefined) {
    return refuse(
      openingError === undefined
        ? { kind: "weights_loading", etaSeconds: 1, loadedBytes: 0, totalBytes: 0 }
        : { kind: "weights_failed", code: codeOfLoad(openingError) },
    );
  }
  const { kind, status } = load.state();
  const { bundle, digest } = load;
  const numerics =
    engine === undefined ? {} : { numerics: numericsText({ ...engine.arithmetic, model: digest }) };
  return ok({
    model: { name, version: bundle.version, digest },
    state: health.status === "failed" ? "failed" : kind,
    loaded_bytes: status.doneBytes,
    total_bytes: status.totalBytes,
    eta_seconds: Number.isFinite(status.etaSeconds) ? status.etaSeconds : null,
    ...numerics,
    replace: health.status === "failed",
    reason: health.status === "failed" ? health.reason : null,
  });
}

/** Weights that are on their way are no reason to replace a process; weights that will never come are the best one. */
export function healthOf(
  load: ModelLoad | undefined,
  openingError: unknown,
  condemned: Failure["kind"] | undefined,
): Health {
  if (condemned !== undefined) return { status: "failed", reason: condemned };
  if (openingError !== undefined) return { status: "failed", reason: codeOfLoad(openingError) };
  const state = load?.state();
  if (state?.kind !== "failed") return { status: "ok" };
  return { status: "failed", reason: codeOfLoad(state.error) };
}

/** Says whether what is sent to a function now is answered. Weights that are here are not asked after again, wherever they came from. */
export function servingOf(
  host: Pick<ModelHost, "health" | "isLoaded" | "status">,
  isDraining: boolean,
): Serving {
  if (isDraining) return { status: "draining" };
  const health = host.health();
  if (health.status === "failed") return health;
  if (host.isLoaded()) return { status: "ready" };
  const load = host.status();
  return {
    status: "loading",
    loaded_bytes: load.ok ? load.value.loaded_bytes : 0,
    total_bytes: load.ok ? load.value.total_bytes : 0,
    eta_seconds: load.ok ? load.value.eta_seconds : null,
  };
}

function codeOfLoad(error: unknown): string {
  return loadFaultOf(error) ?? "internal";
}
