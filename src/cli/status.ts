import { createClient, type Health } from "#client/client.ts";
import { planLoad, printPlan } from "#weights/plan.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { briefly, CONNECTION_HELP, explain, findConnection } from "./connection.ts";
import { openTarget } from "./convert/location.ts";
import { bar } from "./terminal/bar.ts";

export const STATUS_HELP: string = `Shows whether the service is up and how far its weights are, or what a function will load.

Usage: unmask status [option …]
       unmask status --plan --bundle DIR [--model NAME] [--version V]

Options:
${CONNECTION_HELP}
  --json        the API's own reply
  --plan        asks no service: prints what a function with an empty shard cache loads, stage by stage, and the most
                memory that the stages take on their way
  --bundle DIR, --model NAME, --version V
                for --plan: folder or s3://bucket/prefix with the bundle, which model (unmask-demo) and version (the latest)

Exit codes: 0 all ready, or planned · 1 weights failed to load · 64 wrong usage · 69 loading or not there
`;

/** What the model that ships is called. */
const DEMO_MODEL = "unmask-demo";

/** The command `status`: see its help. */
export async function status(args: readonly string[], io: CommandIo): Promise<number> {
  const { url, json, plan } = parse(args);
  if (plan !== undefined) return await showPlan(plan, io);
  const connection = findConnection({ url }, io);
  let health: Health;
  try {
    health = await createClient(briefly(connection)).health({ signal: io.signal });
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
  io.stdout.write(
    json
      ? `${JSON.stringify(health)}\n`
      : `edge      up at ${connection.baseUrl}\n${functionsOf(health).map(told).join("\n")}\n`,
  );
  const states = functionsOf(health).map(({ state }) => state);
  if (states.includes("failed")) return EXIT.failed;
  return states.every((state) => state === "ready") ? EXIT.done : EXIT.unavailable;
}

/** An edge of before tells of one function alone. */
function functionsOf({
  function: first,
  functions = [first],
}: Partial<Health> & Pick<Health, "function">) {
  return functions;
}

/** The bundle whose load is planned. */
interface PlannedBundle {
  readonly bundle: string;
  readonly model: string;
  /** Absent: whatever `latest.json` names. */
  readonly version: string | undefined;
}

/** Reads the manifest alone: none of the weights. */
async function showPlan(planned: PlannedBundle, io: CommandIo): Promise<number> {
  const store = openTarget(planned.bundle, io);
  const { signal } = io;
  const { bundle, digest } = await readManifest(store, planned.model, planned.version, { signal });
  const plan = planLoad(bundle, () => false, Number.POSITIVE_INFINITY);
  io.stdout.write(
    `${bundle.name} ${bundle.version}, weights ${digest.slice(0, 12)}…\n${printPlan(plan)}\n`,
  );
  return EXIT.done;
}

function told(state: Health["function"]): string {
  if (state.state === "unreachable") return "function  not reachable from the edge";
  const { name, version, digest } = state.model;
  const model = `model     ${name} ${version}, weights ${digest.slice(0, 12)}…`;
  const why = state.reason === null ? "" : `: ${state.reason}, to be replaced`;
  if (state.state !== "loading") return `function  ${state.state}${why}\n${model}`;
  const share = state.loaded_bytes / Math.max(1, state.total_bytes);
  const eta = state.eta_seconds === null ? "" : `, about ${Math.ceil(state.eta_seconds)} s to go`;
  const amount = `${gigabytes(state.loaded_bytes)} of ${gigabytes(state.total_bytes)} GB`;
  return `function  loading ${bar(share, 20)} ${Math.floor(share * 100)} %, ${amount}${eta}\n${model}`;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(2);
}

interface StatusArguments {
  readonly url: string | undefined;
  readonly json: boolean;
  readonly plan: PlannedBundle | undefined;
}

function parse(args: readonly string[]): StatusArguments {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArguments({
    args: [...args],
    options: {
      url: text,
      key: text,
      json: flag,
      plan: flag,
      bundle: text,
      model: text,
      version: text,
    },
  });
  const { url, json = false, plan = false, bundle, model, version } = values;
  if (!plan && (bundle ?? model ?? version) !== undefined)
    throw new UsageError("--bundle, --model and --version say what to plan: add --plan");
  if (!plan) return { url, json, plan: undefined };
  if (bundle === undefined)
    throw new UsageError("--plan needs --bundle, such as infra/demo-model/bundle");
  if (json || url !== undefined)
    throw new UsageError("--plan asks no service: leave --json and --url out");
  return { url, json, plan: { bundle, model: model ?? DEMO_MODEL, version } };
}
