#!/usr/bin/env node
// The command `unmask`: runs the command line through launch.js, which brings a Node new enough, from any folder.
//
// Plain JavaScript for Node 18 or newer, as launch.js is.

import path from "node:path";
import { fileURLToPath } from "node:url";

const main = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../src/cli/main.ts");

// launch.js changes to the repository's root; INIT_CWD is npm's own name for where the user stands.
process.env.INIT_CWD = process.cwd();
process.argv.splice(2, 0, "node", main);
await import("./launch.js");
