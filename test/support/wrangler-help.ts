/** How a command of wrangler is called, as its `--help` says. */
export interface CommandHelp {
  /** `wrangler d1 create <name>` */
  readonly usage: string;
  /** Types by flag, long and short: `--json` → `boolean`. */
  readonly flags: Readonly<Record<string, string>>;
}

/** Reads what `wrangler COMMAND --help` prints. */
export function parseHelp(text: string): CommandHelp {
  const [usage = ""] = /^wrangler .*$/m.exec(text) ?? [];
  const flags: Record<string, string> = {};
  let names: string[] = [];
  for (const line of text.split("\n")) {
    const [, head] = /^ *(-\w, )?(?= *--)/.test(line)
      ? (/^ *((?:-\w, )? *--[\w-]+(?:, --[\w-]+)*)/.exec(line) ?? [])
      : [];
    if (head !== undefined) names = head.split(",").map((name) => name.trim());
    const [, type] = /\[(string|boolean|number|array|choices)\b/.exec(line) ?? [];
    if (type === undefined) continue;
    for (const name of names) flags[name] = type;
    names = [];
  }
  return { usage, flags };
}

/** Why wrangler would not take these arguments; empty where it would. */
export function argumentFaults(
  args: readonly string[],
  { usage, flags }: CommandHelp,
): readonly string[] {
  const [, ...parts] = usage.split(" ");
  const command = parts.filter((part) => !/^[<[]/.test(part));
  const places = parts.length - command.length;
  const isRest = /\.\.\]$/.test(usage);
  const faults: string[] = [];
  if (args.slice(0, command.length).join(" ") !== command.join(" "))
    faults.push(`is not ${command.join(" ")}`);
  let given = 0;
  for (let index = command.length; index < args.length; index++) {
    const word = args[index] ?? "";
    if (!word.startsWith("-")) {
      given++;
      continue;
    }
    const type = flags[word];
    if (type === undefined) faults.push(`${word} is unknown`);
    else if (type !== "boolean" && (args[++index] ?? "-").startsWith("-"))
      faults.push(`${word} has no value`);
  }
  if (given > places && !isRest) faults.push("has too many words");
  if (given < parts.filter((part) => part.startsWith("<")).length) faults.push("lacks a word");
  return faults;
}
