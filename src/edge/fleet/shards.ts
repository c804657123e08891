import type { Settings } from "../settings.ts";

/** The functions of the settings, which are of any model and say no region. */
export const SETTINGS_SHARD = "settings";

/** The name of the object of a model's functions in a region. A region has no slash. */
export function shardName(region: string, model: string): string {
  return `${region}/${model}`;
}

/** The region in an object's name; "" for that of the settings. */
export function regionOf(name: string): string {
  const slash = name.indexOf("/");
  return slash === -1 ? "" : name.slice(0, slash);
}

/** The objects in which functions may be registered: of one model, or of all. */
export function shardsOf(
  { functionKeys }: Pick<Settings, "functionKeys">,
  model?: string,
): readonly string[] {
  const names = functionKeys.flatMap(({ region, models }) =>
    models
      .filter((name) => model === undefined || name === model)
      .map((name) => shardName(region, name)),
  );
  return [...new Set(names)];
}
