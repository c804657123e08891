import type { Engine, Prefix, PrefixUse } from "../engine.ts";
import { isRefreshDue, type RefreshRule, type SinceRefresh } from "./refresh.ts";

/** Keeps one answer's prefix, and decides at each step what becomes of it. */
export class PrefixKeeper {
  readonly #rule: RefreshRule;
  readonly #halves: boolean;
  readonly #kept: Prefix | undefined;
  #length = 0;
  #since: SinceRefresh | undefined;
  #refreshes = 0;

  /** Opens a prefix where the rule keeps one. */
  constructor(
    engine: Pick<Engine, "openPrefix">,
    plan: { readonly refresh: RefreshRule; readonly halvesRefreshes?: boolean },
  ) {
    this.#rule = plan.refresh;
    this.#halves = plan.halvesRefreshes ?? false;
    this.#kept = plan.refresh.kind === "always" ? undefined : engine.openPrefix();
  }

  /** From now on the prefix has so many positions, and the next step computes it. */
  begin(length: number): void {
    this.#length = length;
    this.#since = undefined;
    this.#refreshes = 0;
  }

  /** How the next step uses the prefix; undefined where none is kept. */
  next(): PrefixUse | undefined {
    if (this.#kept === undefined) return undefined;
    const use = { kept: this.#kept, length: this.#length };
    if (!isRefreshDue(this.#rule, this.#since)) return { ...use, refresh: "none" };
    this.#since = { steps: 0, commits: 0 };
    this.#refreshes += 1;
    const isHalved = this.#halves && this.#refreshes % 2 === 0;
    return { ...use, refresh: isHalved ? "deep" : "whole" };
  }

  /** Takes in how many positions the step wrote. */
  wrote(count: number): void {
    const { steps, commits } = this.#since ?? { steps: 0, commits: 0 };
    this.#since = { steps: steps + 1, commits: commits + count };
  }

  release(): void {
    this.#kept?.release();
  }
}
