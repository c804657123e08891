import type { KnownFunction } from "./function-watch.ts";

/** Whether a model can be asked now. */
export interface ModelStanding {
  readonly id: string;
  /** `none`: no function of it takes work, and none that is known is on its way. */
  readonly state: "ready" | "loading" | "none";
  /** Seconds until the first function of it is ready; 0 when one is, null where nobody knows. */
  readonly etaSeconds: number | null;
  /** Functions of it that take work. */
  readonly ready: number;
  /** Functions of it that are known. */
  readonly known: number;
}

/** Sums functions by model, in the order of their names; `usual` is the model that the settings name, which is told even where nobody serves it. */
export function modelStandings(
  functions: readonly KnownFunction[],
  usual: string | undefined,
): readonly ModelStanding[] {
  const named = functions.flatMap(({ model }) => model ?? []);
  const ids = [...new Set([...named, ...(usual === undefined ? [] : [usual])])].sort();
  return ids.map((id) =>
    standingOf(
      id,
      functions.filter(({ model }) => model === id),
    ),
  );
}

function standingOf(id: string, own: readonly KnownFunction[]): ModelStanding {
  const ready = own.filter(({ state }) => state === "ready").length;
  // One that is asleep is on its way as soon as somebody asks.
  const loading = own.filter(({ state }) => state === "loading" || state === "asleep");
  const state = ready > 0 ? "ready" : loading.length > 0 ? "loading" : "none";
  const etas = loading.flatMap(({ etaSeconds }) => etaSeconds ?? []);
  const soonest = etas.length === 0 ? null : Math.min(...etas);
  const etaSeconds = state === "ready" ? 0 : state === "loading" ? soonest : null;
  return { id, state, etaSeconds, ready, known: own.length };
}
