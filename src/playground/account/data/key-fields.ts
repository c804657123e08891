import { ok, type Result, refuse } from "#domain/result.ts";
import { KEY_SCOPES } from "#wire/api/accounts/key.ts";
import type { RestrictKeyBody } from "#wire/api/accounts/keys.ts";
import type { KeyLimitsBody } from "#wire/api/accounts/limits-body.ts";
import { microsOf } from "./amounts.ts";

/** What a key may do, as the form has it. */
export type KeyFields = RestrictKeyBody;

/** Reads the form of a key. Refuses with a sentence for each field that says nothing; the rest is the service's to judge. */
export function readKeyForm(form: FormData): Result<KeyFields, readonly string[]> {
  const faults: string[] = [];
  const text = (name: string): string => {
    const value = form.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  const name = text("name");
  if (name === "") faults.push("Name: it needs one, to be found in the usage.");
  const scopes = KEY_SCOPES.filter((scope) => form.getAll("scope").includes(scope));
  if (scopes.length === 0) faults.push("It may: a key that may nothing is none; choose one.");
  const cap = (field: string, label: string): number | null => {
    const typed = text(field);
    const micros = typed === "" ? null : microsOf(typed);
    if (typed !== "" && micros === null)
      faults.push(`${label}: “${typed}” is no amount of dollars, such as 2.50.`);
    return micros;
  };
  const rate = (field: string, label: string): number | undefined => {
    const typed = text(field);
    if (typed === "") return undefined;
    if (/^[1-9]\d{0,6}$/.test(typed)) return Number(typed);
    faults.push(`${label}: “${typed}” is no whole number above 0.`);
    return undefined;
  };
  const day = cap("per_day", "Dollars a day");
  const month = cap("per_month", "Dollars a month");
  const requests = rate("requests_per_minute", "Requests a minute");
  const concurrent = rate("concurrent", "Answers at once");
  if (faults.length > 0) return refuse(faults);
  const limits: Partial<KeyLimitsBody> = {
    spend_per_day_micros: day,
    spend_per_month_micros: month,
    ...(requests === undefined ? {} : { requests_per_minute: requests }),
    ...(concurrent === undefined ? {} : { concurrent }),
  };
  const expires = text("expires");
  return ok({
    name,
    scopes,
    limits,
    origins: itemsOf(text("origins")),
    models: itemsOf(text("models")),
    expires_at: expires === "" ? null : `${expires}T23:59:59Z`,
  });
}

/** What stands in a field, one by one; null where nothing does. */
function itemsOf(text: string): readonly string[] | null {
  const items = text.split(/[\s,]+/).filter((item) => item !== "");
  return items.length === 0 ? null : items;
}
