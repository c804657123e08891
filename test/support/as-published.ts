// Imported before an example runs: the names under which the client is installed lead to its source.

import { registerHooks } from "node:module";
import { published } from "./published-names.ts";

registerHooks({
  resolve: (specifier, context, next) => {
    const source = published[specifier];
    return source === undefined
      ? next(specifier, context)
      : { url: new URL(`../../${source}`, import.meta.url).href, shortCircuit: true };
  },
});
