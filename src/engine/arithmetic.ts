import type { NumericsClass } from "#domain/numerics.ts";

/**
 * Of a numerics class what the machine and its runtime decide; the model makes it whole. Whoever makes an engine says it, as far as
 * the runtime does not itself (`Runtime.arithmetic`).
 */
export type Arithmetic = Omit<NumericsClass, "model">;
