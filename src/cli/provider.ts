import { rm, stat } from "node:fs/promises";
import path from "node:path";
import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";
import { readCudaSettings } from "#inference/runtime/cuda/cuda-settings.ts";
import { packagedRuntime } from "#inference/runtime/cuda/packaged-runtime.ts";
import {
  CUDA_RUNTIME_VERSION,
  checkProviderFolder,
  type ProviderFile,
} from "#inference/runtime/cuda/provider-folder.ts";
import { DEFAULT_RETRY_POLICY } from "#weights/retries.ts";
import { type Command, type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { createReporter } from "./convert/report.ts";
import { thisMachine } from "./models/machine.ts";
import { gigabytes } from "./models/needs.ts";
import { installProvider } from "./provider/install.ts";
import { openIndex } from "./provider/package-index.ts";
import { CUDA_WHEELS, PROVIDER_WHEEL } from "./provider/pinned-files.ts";
import { ProviderFault } from "./provider/provider-fault.ts";

/** Help text of `unmask provider`. */
export const PROVIDER_HELP: string = `unmask provider cuda install|status|remove

  Brings the files of a provider that does not come with npm. For Linux on x64 with an NVIDIA card; what each provider needs
  and what was tried stands in infra/docs/providers.md, what this machine has is told by: unmask doctor

install   fetches ONNX Runtime ${CUDA_RUNTIME_VERSION}'s CUDA provider and the libraries of CUDA 13 that it needs, checks every file by its
          SHA-256, and puts them into one folder. 0.7 GB are fetched, 1.1 GB lie there afterwards. What a try that was
          broken off has fetched is used. NVIDIA's libraries are under NVIDIA's licence.
  --index URL                a package index as pip's --index-url takes it (default: PIP_INDEX_URL)
  --from WHEEL               a wheel on the disk instead; may be given several times
  --without-cuda-libraries   only the provider: CUDA 13 is installed already (0.25 GB are fetched)
  --to FOLDER                (default: UNMASK_CUDA_FOLDER, or ~/.local/share/unmask/cuda-${CUDA_RUNTIME_VERSION})
status    checks every file and tells what lies there
remove    removes the folder

Exit codes: 0 done · 1 it is not (wholly) there, or cannot be installed · 64 wrong usage · 69 the index does not reply, try again
`;

/** Runs `unmask provider`. */
export const provider: Command = async (args, io) => {
  const [name, action, ...rest] = args;
  if (name !== "cuda") {
    throw new UsageError(
      `there is nothing to install for "${name ?? ""}"; it is: provider cuda install|status|remove`,
    );
  }
  switch (action) {
    case "install":
      return install(rest, io);
    case "status":
      return status(rest, io);
    case "remove":
      return remove(rest, io);
    default:
      throw new UsageError(`provider cuda takes install, status or remove, not "${action ?? ""}"`);
  }
};

async function install(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArguments({
    args: [...args],
    options: {
      index: { type: "string" },
      from: { type: "string", multiple: true, default: [] },
      to: { type: "string" },
      "without-cuda-libraries": { type: "boolean", default: false },
    },
  });
  const address = values.index ?? io.env["PIP_INDEX_URL"];
  const local = values.from.map((file) => path.resolve(io.cwd, file));
  if (address === undefined && local.length === 0) {
    throw new UsageError("install needs --index URL (or PIP_INDEX_URL), or --from WHEEL");
  }
  const folder = folderOf(values.to, io);
  const wheels = values["without-cuda-libraries"]
    ? [PROVIDER_WHEEL]
    : [PROVIDER_WHEEL, ...CUDA_WHEELS];
  using reporter = createReporter(io.stderr, { columns: io.columns });
  try {
    checkPlatform();
    const { kind, files } = await installProvider({
      folder,
      wheels,
      local,
      reporter,
      ...(address === undefined ? {} : { index: openIndex(address) }),
      runtime: packagedRuntime(),
      machine: thisMachine(),
      policy: DEFAULT_RETRY_POLICY,
      signal: io.signal,
    });
    if (kind === "was there") io.stderr.write("it is installed already\n");
    io.stdout.write(listing(folder, files));
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof ProviderFault)) throw error;
    io.stderr.write(`unmask provider: ${error.message}\n${error.next}\n`);
    return error.isRetryable ? EXIT.unavailable : EXIT.failed;
  }
}

function checkPlatform(): void {
  const { version } = packagedRuntime();
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new ProviderFault(
      `the CUDA provider is for Linux on x64; this is ${process.platform} on ${process.arch}`,
      "Use provider webgpu for the machine's card.",
    );
  }
  if (version === CUDA_RUNTIME_VERSION) return;
  throw new ProviderFault(
    `onnxruntime-node is ${version}, the provider's files are known for ${CUDA_RUNTIME_VERSION}`,
    "Run npm ci, which brings the version that fits.",
  );
}

async function status(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArguments({ args: [...args], options: { to: { type: "string" } } });
  const folder = folderOf(values.to, io);
  try {
    const { files } = await checkProviderFolder(folder);
    io.stdout.write(listing(folder, files));
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof ProviderUnavailableError)) throw error;
    io.stdout.write(`${error.why} (${error.kind})\n${error.next}\n`);
    return EXIT.failed;
  }
}

async function remove(args: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArguments({ args: [...args], options: { to: { type: "string" } } });
  const folder = folderOf(values.to, io);
  const draft = `${folder}.partial`;
  const isOurs = await Promise.all(
    [path.join(folder, "provider.json"), draft].map((file) =>
      stat(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!isOurs.includes(true)) {
    // Whatever else lies there is somebody else's.
    io.stderr.write(`unmask provider: no provider lies in ${folder}\n`);
    return EXIT.failed;
  }
  if (isOurs[0]) await rm(folder, { recursive: true });
  for (const left of [draft, `${folder}.lock`]) await rm(left, { recursive: true, force: true });
  io.stdout.write(`removed ${folder}\n`);
  return EXIT.done;
}

function folderOf(to: string | undefined, io: CommandIo): string {
  return to === undefined ? readCudaSettings(io.env).folder : path.resolve(io.cwd, to);
}

function listing(folder: string, files: readonly ProviderFile[]): string {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const lines = files.map(({ name, bytes }) => `  ${name}  ${gigabytes(bytes)}\n`);
  return `ONNX Runtime ${CUDA_RUNTIME_VERSION} with CUDA in ${folder}, ${gigabytes(total)}\n${lines.join("")}`;
}
