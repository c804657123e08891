import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { addressRefusal } from "#wire/function/fetch.ts";
import type { Settings } from "../settings.ts";

/**
 * Refuses an address that nothing can ever be delivered to, before anything is kept or paid for; null is none, and fine.
 * `pointer` names the field that has it. Where a name leads shows with the first delivery.
 */
export function mayTell(
  url: string | null | undefined,
  { allowsPrivateFetch }: Pick<Settings, "allowsPrivateFetch">,
  pointer: string,
): Result<null, Failure> {
  const reason = url === null || url === undefined ? null : addressRefusal(url, allowsPrivateFetch);
  if (reason === null) return ok(null);
  const message = `can never be delivered to: ${reason}`;
  return refuse({ kind: "invalid_request", problems: [{ pointer, message }] });
}
