// Imported before an example runs: the names under which the client is installed lead to its source.

import { registerHooks } from "node:module";

const published: Readonly<Record<string, string>> = {
  unmask: "../../src/client/package/index.ts",
  "unmask/admin": "../../src/client/admin.ts",
  "unmask/ai-sdk": "../../src/client/ai-sdk/provider.ts",
  "unmask/webhooks": "../../src/client/webhooks.ts",
};

registerHooks({
  resolve: (specifier, context, next) => {
    const source = published[specifier];
    return source === undefined
      ? next(specifier, context)
      : { url: new URL(source, import.meta.url).href, shortCircuit: true };
  },
});
