/** Micro-dollars to the last of them, as a ledger has it: `$0.001728`, `$12.50`. */
export function exactMoney(micros: number): string {
  const [dollars = "0", digits = ""] = (Math.abs(micros) / 1e6).toFixed(6).split(".");
  const cents = digits.replace(/0+$/, "").padEnd(2, "0");
  const grouped = dollars.replace(/\B(?=(\d{3})+$)/g, ",");
  return `${micros < 0 ? "−" : ""}$${grouped}.${cents}`;
}

/** Micro-dollars to the cent, rounded down, as a balance is read: what is shown is there. Below a cent every digit. */
export function roundMoney(micros: number): string {
  const isSmall = Math.abs(micros) < 10_000;
  return exactMoney(isSmall ? micros : Math.floor(micros / 10_000) * 10_000);
}

/** Reads dollars that a person typed; null where that is no amount, or has more than six decimals. */
export function microsOf(text: string): number | null {
  const match = /^\s*\$?\s*(\d{1,9})(?:[.,](\d{1,6}))?\s*$/.exec(text);
  if (match === null) return null;
  const [, dollars = "", digits = ""] = match;
  return Number(dollars) * 1_000_000 + Number(digits.padEnd(6, "0"));
}

/** Micro-dollars as a person would type them into a field. */
export function typedMoney(micros: number | null): string {
  return micros === null ? "" : exactMoney(micros).replace(/[$,]/g, "");
}

/** A count with its noun: `1 day`, `12 days`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

const time = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const timeOfYear = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
});

/** RFC 3339 as a person reads it, in the time of this device; the year instead of the hour where it is another. */
export function timeText(at: string, now: number): string {
  const date = new Date(at);
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return (isThisYear ? time : timeOfYear).format(date);
}

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** `2026-11-28` as `28 Nov`. */
export function dayText(date: string): string {
  return day.format(new Date(`${date}T00:00:00Z`));
}

const units: readonly [ms: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago, or until then: `5 minutes ago`, `in 2 hours`. */
export function agoText(at: string, now: number): string {
  const ms = Date.parse(at) - now;
  const [size, unit] = units.find(([each]) => Math.abs(ms) >= each) ?? [0, "second"];
  return size === 0 ? "just now" : relative.format(Math.trunc(ms / size), unit);
}
