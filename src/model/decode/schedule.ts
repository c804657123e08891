/**
 * Spreads `masked` positions over `steps`: how many are revealed at each step, the remainder to the first steps.
 * The numbers sum to `masked`; with more steps than positions the last ones are 0. `steps` is at least 1.
 *
 * Source: `get_num_transfer_tokens` in modeling_llada.py.
 */
export function revealSchedule(masked: number, steps: number): number[] {
  const share = Math.floor(masked / steps);
  const remainder = masked % steps;
  return Array.from({ length: steps }, (_, step) => share + (step < remainder ? 1 : 0));
}
