/** Names that the service takes, and whose place in a JSON object is the one that they were given. */
const PLAIN = /^(?!__proto__$)[A-Za-z_.-][A-Za-z0-9_.-]{0,63}$/;

/**
 * Says under which names the service is asked for what the caller calls by these ids: the same where all of them are names, so that refusals
 * speak of them; by their places where one is none.
 */
export function fieldNames(ids: readonly string[]): readonly string[] {
  return ids.every((id) => PLAIN.test(id)) ? ids : ids.map((_, index) => `q${index + 1}`);
}
