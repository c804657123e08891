// A wrangler that keeps an account in the file FAKE_ACCOUNT and reaches nobody. FAKE_DIES_AFTER: a piece of a command, after which
// whoever started it is killed, as by a power cut.
import { text } from "node:stream/consumers";
import { actOn } from "./fake-account.ts";

const args = process.argv.slice(2);
const { stdout, stderr, status } = actOn(
  process.env["FAKE_ACCOUNT"] ?? "",
  args,
  await text(process.stdin),
);
const fatal = process.env["FAKE_DIES_AFTER"];
if (fatal !== undefined && args.join(" ").includes(fatal)) process.kill(process.ppid, "SIGKILL");
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = status ?? 1;
