/** When the prefix is computed anew: everything before the canvas, which has only moved because the canvas has. */
export type RefreshRule =
  /** At every step: nothing is kept, as in the paper. */
  | { readonly kind: "always" }
  /** At the first step and then every `steps`. Source: Fast-dLLM, arXiv 2505.22618, table 10. */
  | { readonly kind: "every"; readonly steps: number }
  /**
   * At the first step, then as soon as `commits` positions were written since the last time, or after `steps`: commits are what
   * moves a prefix, so where much is written at once it is computed anew sooner.
   */
  | { readonly kind: "by_commits"; readonly commits: number; readonly steps: number };

/** What has happened since the prefix was computed last. */
export interface SinceRefresh {
  readonly steps: number;
  readonly commits: number;
}

/** Says whether the next step computes the prefix anew; `undefined` where it never was. */
export function isRefreshDue(rule: RefreshRule, since: SinceRefresh | undefined): boolean {
  if (since === undefined) return true;
  switch (rule.kind) {
    case "always":
      return true;
    case "every":
      return since.steps >= rule.steps;
    case "by_commits":
      return since.steps >= rule.steps || since.commits >= rule.commits;
    default:
      return rule satisfies never;
  }
}
