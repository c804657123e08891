import type { Plugin } from "vitest/config";

const PREFIX = "\0absent:";

/**
 * Gives a browser every module of Node's by name, whose members throw when they are called. Our modules import some for what a browser never
 * comes to, and a name that cannot be resolved would keep the whole file from it.
 */
export function withoutNode(): Plugin {
  return {
    name: "without-node",
    enforce: "pre",
    resolveId: (id) => (id.startsWith("node:") ? PREFIX + id : null),
    async load(id) {
      if (!id.startsWith(PREFIX)) return null;
      const name = id.slice(PREFIX.length);
      const members = Object.keys(await import(name)).filter((member) => member !== "default");
      return [
        `const absent = (name) => function () { throw new Error(name + " of ${name} is not in a browser"); };`,
        ...members.map((member) => `export const ${member} = absent("${member}");`),
        `export default { ${members.join(", ")} };`,
      ].join("\n");
    },
  };
}
