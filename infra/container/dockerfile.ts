import { readFileSync } from "node:fs";

/** What an image sets for its processes, as the Dockerfile's stage `target` says, with those that it stands on. */
export function imageVariables(target: string): Readonly<Record<string, string>> {
  const stages = readFileSync("infra/container/Dockerfile", "utf8").split(/^(?=FROM )/m);
  const stage = stages.find((text) => new RegExp(`^FROM \\S+ AS ${target}$`, "m").test(text));
  if (stage === undefined) throw new Error(`the Dockerfile has no stage ${target}`);
  const [, base = ""] = /^FROM (\S+)/.exec(stage) ?? [];
  const pairs = stage.matchAll(/^(?:ENV| {3}) +([A-Z_]+)=(\S+)/gm);
  return {
    ...(/^(scratch|\$\{BASE\})$/.test(base) ? {} : imageVariables(base)),
    ...Object.fromEntries([...pairs].map(([, name, value]) => [name, value])),
  };
}
