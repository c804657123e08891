/** Micro-dollars as a person reads them: in cents below a dollar, with two digits that say something. */
export function moneyText(micros: number): string {
  if (micros === 0) return "free";
  if (micros >= 1_000_000) return `$${(micros / 1e6).toFixed(2)}`;
  const cents = micros / 10_000;
  return `${Number(cents.toPrecision(3))} ¢`;
}
