// `npm run bench -- NAME [options]`: figures, never pass or fail. Each prints what it compares and in what conditions.

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { SYNTH_SHAPES } from "#weights/synth/shapes.ts";
import { simulateDeliveries } from "../flow/webhook-simulation.ts";
import { composeReport } from "./compose-report.ts";
import { deviceReport } from "./device-report.ts";
import { measureEdge } from "./edge.bench.ts";
import { engineReport } from "./engine-report.ts";
import { fleetReport, type Table, writeFleetPage } from "./fleet-report.ts";
import { MAX_QUESTIONS, reportHarnesses } from "./harness/report.ts";
import { layerReport } from "./layer-report.ts";
import { measureLedger } from "./ledger.bench.ts";
import { LOAD_FORMATS, reportLoad } from "./load-report.ts";
import { measureMemory, PICTURE_FORMS } from "./memory.bench.ts";
import { reportModes } from "./modes-report.ts";
import { MAX_VISITS, measurePage } from "./page.bench.ts";
import { reportReading } from "./reading/report.ts";
import { measureRevocation } from "./revocation.ts";
import { exploreSeeds } from "./seeds.ts";
import { reportSoak } from "./soak/report.ts";
import { reportTwin } from "./twin/report.ts";

const HELP = `npm run bench -- NAME

  load [--shape SHAPE] [--format FORMAT] [--block N] [--from disk|s3] [--turns N]
                                     a cold start from this machine's disk or its S3: loading against plain reading of the same
                                     objects, peak memory, last byte to first answer, one step over 32 positions
                                     SHAPE: ${SYNTH_SHAPES.join(" | ")} (default llada-v-8b: 5 to 9 GB of disk, 7 to 11 of
                                     memory, five minutes from disk and fifteen from S3)
                                     FORMAT: ${LOAD_FORMATS.join(" | ")} (default q4)

  ledger [--requests N] [--cache]
                                     reserve and settle of one request against a Worker that only says "ok", and against one of
                                     the calls and writes alone that it cannot do without, N requests
                                     racing for the credit of a tenth of them (default 10000, about five minutes),
                                     seeds of the ledger's simulation, and how long a revoked key works on; --cache: through the cache

  edge                               cache hits against a Worker that only says "ok", a miss against the function alone,
                                     1,000 equal requests at once, from the cut of a stream to its next frame

  memory [--form FORM]               resident memory of the local edge beyond idle, as pictures pass through it: one of 10 MiB,
                                     four of 10 MiB and four of 1.5 MiB at once
                                     FORM: ${PICTURE_FORMS.join(" | ")} (default all, about two minutes)

  engine [--against FOLDER]          one decoder layer of the 8B's width over 32, 256 and 1,032 positions, in w8a8, w7a8 and q4,
                                     beside plain integer products of its shapes, and a whole answer in each mode, extrapolated
                                     (about four minutes on two free cores, 3 GB); with FOLDER the layer against that of
                                     another checkout, by turns

  engine --provider webgpu [--shape SHAPE] [--layers N] [--prompt N]
                                     passes over N layers of a SHAPE (default 4 of llada-v-8b) behind a prompt of N positions (default
                                     1000) on this machine's WebGPU device, or on software Vulkan: sessions run, bytes to the
                                     device and from it (on software Vulkan an 8B's head takes minutes: --shape tiny)

  layer                              one decoder layer of the 8B's width on wasm, one thread, in q4 and w8a8: our own kernels and
                                     onnxruntime-web's by turns (about a minute, 2 GB)

  modes [--steps N] [--traces FILE]  the demo set in each mode at N steps of a canvas of 32 (default 16, two minutes): score,
                                     agreement with exact, passes, positions; the commits of fast go to FILE as JSON

  page [--turns N]                   the playground in Chromium, from opening its address to the first answer, clicks included:
                                     medians of N visits (default 5, half a minute)

  compose                            the services of compose.yaml as processes: a function killed under load, and what became of its
                                     answers (a minute)

  soak [--answers N] [--folder FOLDER]
                                     N questions (default 100000: half an hour to two hours) of the local system while workerd and its
                                     functions are killed and days pass: what was lost, what is held, and whether memory, handles,
                                     latency and rows level off; a soak of the same FOLDER goes on where the last one was

  fleet [--write]                    fleets of 1 to 1,000 functions in virtual time, with the code that picks them: waits, use against one who
                                     knows the future, refusals, starvation, messages (a minute or two); --write: into
                                     infra/docs/fleet-simulation.md, with its plot

  read [--file FILE] [--write]       fields whose values are known, read off the demo's scenes in both styles: right values, risk over
                                     coverage, false abstention, calibration, and what 1, 10 and 40 fields take (two minutes); FILE keeps
                                     what was read, and a run that was stopped goes on from it; --write: into
                                     infra/docs/reading-quality.md and the temperatures of the model's read.json

  twin --work FOLDER [--run NAME] [--html FILE] [--write]
                                     the demo set of drawings in exact and fast and by finished runs of infra/demo-model/miniature (default
                                     causal-128-32000-1; several --run make a column each), every one behind a server of OpenAI's form: the
                                     table and its report, with UNMASK_PYTHON (three minutes); --write: its picture for the documents

  harness [--questions N]            two public evaluation harnesses, lmms-eval and VLMEvalKit, ask the local system as an endpoint of
                                     OpenAI's form: N questions of each kind (default 48), what was answered, their scores beside
                                     those of unmask eval (five minutes, and ten once for 7 GB of Python packages: torch brings
                                     CUDA's libraries on Linux)

  webhooks [--requests N]            simulated deliveries with 30 % faults (default 100000): lost, and processed twice
`;

/** How long seeds are explored for: their rate is steady after a few seconds. */
const SEED_SECONDS = 10;

const MOMENTS = 1_000;

const NAMES: readonly string[] = [
  "load",
  "ledger",
  "edge",
  "engine",
  "layer",
  "memory",
  "page",
  "webhooks",
  "compose",
  "modes",
  "soak",
  "fleet",
  "read",
  "twin",
  "harness",
];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      shape: { type: "string", default: "llada-v-8b" },
      format: { type: "string", default: "q4" },
      block: { type: "string", default: "128" },
      from: { type: "string", default: "disk" },
      turns: { type: "string" },
      requests: { type: "string" },
      cache: { type: "boolean", default: false },
      form: { type: "string" },
      steps: { type: "string", default: "16" },
      traces: { type: "string" },
      questions: { type: "string", default: "48" },
      answers: { type: "string", default: "100000" },
      folder: { type: "string" },
      file: { type: "string" },
      write: { type: "boolean", default: false },
      against: { type: "string" },
      work: { type: "string" },
      run: { type: "string", multiple: true, default: ["causal-128-32000-1"] },
      html: { type: "string" },
      provider: { type: "string", default: "cpu" },
      layers: { type: "string", default: "4" },
      prompt: { type: "string", default: "1000" },
      help: { type: "boolean", default: false },
    },
  });
  const [name] = positionals;
  if (values.help || !NAMES.includes(name ?? "")) {
    process.stdout.write(HELP);
    process.exitCode = values.help ? 0 : 64;
    return;
  }
  const processors = cpus();
  console.log(`${processors.length} × ${processors[0]?.model.trim()}, Node ${process.version}`);
  if (name === "edge") return await edge();
  if (name === "memory") return await memory(values.form);
  if (name === "engine" && values.provider === "webgpu") {
    return print(await deviceReport(values.shape, Number(values.layers), Number(values.prompt)));
  }
  if (name === "engine") {
    for await (const lines of engineReport(values.against)) print(lines);
    return;
  }
  if (name === "layer") {
    for await (const lines of layerReport()) print(lines);
    return;
  }
  if (name === "compose") return print(await composeReport());
  if (name === "page") return await page(Number(values.turns ?? 5));
  if (name === "modes") return await modes(Number(values.steps), values.traces);
  if (name === "read") return await reportReading(values.file, values.write);
  if (name === "harness") return await harness(Number(values.questions));
  if (name === "fleet") return fleet(values.write);
  if (name === "twin") return await twin(values);
  if (name === "soak") return print(await reportSoak(Number(values.answers), values.folder));
  if (name === "webhooks") return webhooks(Number(values.requests ?? 100_000));
  if (name === "ledger") return await ledger(Number(values.requests ?? 10_000), values.cache);
  print(await reportLoad({ ...values, turns: values.turns ?? "3" }));
}

async function page(wanted: number): Promise<void> {
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_VISITS)
    throw new Error(`--turns is a whole number from 1 to ${MAX_VISITS}`);
  const { turns, readyMs, firstCellMs, answerMs, slowestAnswerMs } = await measurePage(wanted);
  const inSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
  print([
    [`opened to ready, median of ${turns}`, inSeconds(readyMs)],
    ["  to the first cell", inSeconds(firstCellMs)],
    ["  to the whole answer", inSeconds(answerMs)],
    ["  slowest", inSeconds(slowestAnswerMs)],
  ]);
}

interface TwinArguments {
  readonly work?: string;
  readonly run: readonly string[];
  readonly html?: string;
  readonly write: boolean;
}

async function twin({ work, run: runs, html, write }: TwinArguments): Promise<void> {
  if (work === undefined)
    throw new Error("--work is the folder of python -m miniature.run, with finished runs in it");
  await reportTwin({ work, runs, html, isWritten: write });
}

async function modes(steps: number, file: string | undefined): Promise<void> {
  if (!Number.isInteger(steps) || steps < 1 || steps > 32)
    throw new Error("--steps is a whole number from 1 to 32, the canvas");
  await reportModes(steps, file);
}

async function harness(wanted: number): Promise<void> {
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_QUESTIONS)
    throw new Error(`--questions is a whole number from 1 to ${MAX_QUESTIONS}`);
  await reportHarnesses(wanted);
}

async function ledger(requests: number, isCached: boolean): Promise<void> {
  if (!Number.isInteger(requests) || requests < 10 || requests > 1_000_000)
    throw new Error("--requests is a whole number from 10 to 1000000");
  const { turns, race } = await measureLedger(
    requests,
    Math.floor(requests / 10),
    isCached ? "private" : "off",
  );
  const perSecond = (rate: number): string => `${rate.toFixed(0)}/s`;
  for (const turn of turns) {
    const { connections, bareRequestsPerSecond, floorRequestsPerSecond, paidRequestsPerSecond } =
      turn;
    print([
      [`bare reply, connections: ${connections}`, perSecond(bareRequestsPerSecond)],
      ["  its calls and writes alone", perSecond(floorRequestsPerSecond)],
      ["  bare over those", (bareRequestsPerSecond / floorRequestsPerSecond).toFixed(1)],
      [`reserve + settle, connections: ${connections}`, perSecond(paidRequestsPerSecond)],
      ["  bare over paid", (bareRequestsPerSecond / paidRequestsPerSecond).toFixed(1)],
    ]);
  }
  const { answered, refused, overspentMicros, leftMicros, paidFor, seconds } = race;
  print([
    ["racing requests", `${requests} on credit for ${paidFor}, ${seconds.toFixed(1)} s`],
    ["  answered, refused for want of credit", `${answered}, ${refused}`],
    ["  overspent, left over", `${overspentMicros}, ${leftMicros} micro-dollars`],
  ]);
  const { seeds, seconds: took } = await exploreSeeds(SEED_SECONDS);
  print([["simulated seeds, no law broken", `${seeds}, ${((seeds * 60) / took).toFixed(0)}/min`]]);
  const { isolates, moments, meanMs, longestMs } = await measureRevocation(MOMENTS, 1);
  const inSeconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
  print([
    ["revoked to refused everywhere, mean", inSeconds(meanMs)],
    ["  longest", inSeconds(longestMs)],
    [
      "  simulated",
      `${moments} moments, ${isolates} isolates, real key cache, a clock that is set`,
    ],
  ]);
}

async function edge(): Promise<void> {
  const { turns, missMs, directMs, identical, resume } = await measureEdge();
  const perSecond = (rate: number): string => `${rate.toFixed(0)}/s`;
  const inMs = (milliseconds: number): string => `${milliseconds.toFixed(1)} ms`;
  for (const { connections, bareRequestsPerSecond, hitRequestsPerSecond } of turns)
    print([
      [`bare reply, connections: ${connections}`, perSecond(bareRequestsPerSecond)],
      [`cache hit, connections: ${connections}`, perSecond(hitRequestsPerSecond)],
      ["  bare over hit", (bareRequestsPerSecond / hitRequestsPerSecond).toFixed(1)],
    ]);
  print([
    ["a miss, median", inMs(missMs)],
    ["the function alone, median", inMs(directMs)],
    ["  the edge adds", inMs(missMs - directMs)],
    ["equal requests at once", `${identical.requests}, ${identical.seconds.toFixed(1)} s`],
    ["  runs of the function", String(identical.runs)],
    [`cut to next frame, median of ${resume.cuts}`, inMs(resume.medianMs)],
    ["  longest (frames come every 50 ms)", inMs(resume.longestMs)],
  ]);
}

async function memory(wanted: string | undefined): Promise<void> {
  const forms = PICTURE_FORMS.filter((form) => wanted === undefined || form === wanted);
  if (forms.length === 0) throw new Error(`--form is one of ${PICTURE_FORMS.join(", ")}`);
  const inMib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  for await (const { form, pictures, bytesEach, idleBytes, peakBytes } of measureMemory(forms))
    print([
      [
        `${form}, ${pictures} × ${inMib(bytesEach)}`,
        `+${inMib(peakBytes - idleBytes)} over ${inMib(idleBytes)}`,
      ],
    ]);
}

function fleet(isWritten: boolean): void {
  const tables: Table[] = [];
  const report = fleetReport();
  for (let next = report.next(); ; next = report.next()) {
    if (next.done === true) {
      if (isWritten) writeFleetPage(tables, next.value);
      return;
    }
    const { title, head, rows } = next.value;
    tables.push(next.value);
    console.log(`\n${title}`);
    for (const row of [head, ...rows]) console.log(row.map((cell) => cell.padEnd(17)).join(" "));
  }
}

function webhooks(requests: number): void {
  if (!Number.isInteger(requests) || requests < 10 || requests > 1_000_000)
    throw new Error("--requests is a whole number from 10 to 1000000");
  const seed = Number(process.env["SEED"] ?? 1);
  const start = performance.now();
  const result = simulateDeliveries(requests, seed);
  print([
    [
      "simulated deliveries",
      `${result.deliveries}, SEED=${seed}, ${((performance.now() - start) / 1000).toFixed(1)} s`,
    ],
    ["  sendings, of which went wrong", `${result.sendings}, ${result.faults}`],
    ["  repeats that a correct receiver knew", String(result.repeats)],
    ["  reported as failed after the schedule", String(result.givenUp)],
    ["  never left, told against somebody", `${result.unsent}, ${result.blamed}`],
    ["  lost, processed twice", `${result.lost}, ${result.processedTwice}`],
  ]);
}

function print(rows: readonly (readonly string[])[]): void {
  for (const [name = "", figure = ""] of rows) console.log(`${name.padEnd(40)}${figure}`);
}

await main();
