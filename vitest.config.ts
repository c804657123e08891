import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { findSoftwareVulkan } from "./infra/gpu-check/software-vulkan.ts";
import { findChromium } from "./infra/local/chromium.ts";
import { browserModel } from "./test/support/browser-model.ts";
import { contractService } from "./test/support/contract-service.ts";
import { makeTestBindings } from "./test/support/edge-bindings.ts";

// Chromium is the one thing that npm cannot bring; where it is absent its tests are skipped by name.
const chromium = findChromium();
if (chromium === undefined) {
  console.warn(
    "skipped: project 'browser' and the playground's pages (no Chromium found; set CHROMIUM_PATH, or on Debian: apt-get install chromium)",
  );
}

// wrangler.toml names its folder, and whoever runs vitest by hand has not been through the launcher.
// A process of its own: what the documentation is made from is bundled with this file otherwise, workerd's modules among it.
execFileSync(process.execPath, ["infra/site/build.ts"], { stdio: "inherit" });

/** What takes minutes: `npm run test:full` alone runs it. */
const long = process.env["TEST_FULL"] ? [] : ["test/**/*.full.test.ts"];

const vulkan = findSoftwareVulkan();
if (!vulkan.ok) console.warn(`skipped: tests on software Vulkan (${vulkan.refusal})`);

const node: TestProjectInlineConfiguration = {
  test: {
    name: "node",
    include: ["test/**/*.test.ts"],
    exclude: ["test/edge/**", "test/browser/**", "test/webgpu/**", ...long],
    globalSetup: "test/support/shared-system.ts",
    // It ends what hangs. The longest test takes half a minute on two cores without AVX-512.
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
};

/** SwiftShader takes ten times as long as lavapipe, and that more than a minute for its longest test on two slow cores. */
const patience = vulkan.ok && vulkan.value.driver === "swiftshader" ? 10 : 1;

/** What computes on ONNX Runtime's WebGPU provider: its process must be started with the Vulkan that it is to find. */
const webgpu: TestProjectInlineConfiguration = {
  test: {
    name: "webgpu",
    include: ["test/webgpu/**/*.test.ts"],
    exclude: long,
    pool: "forks",
    env: vulkan.ok ? vulkan.value.environment : {},
    testTimeout: 180_000 * patience,
    hookTimeout: 180_000 * patience,
  },
};

const worker: TestProjectInlineConfiguration = {
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      // OLD_DB: where tests put the rows of earlier releases. LOST_DB, NEW_DB, SHARED_BACKUPS: environments that are lost and restored.
      miniflare: {
        bindings: await makeTestBindings(),
        d1Databases: ["OLD_DB", "LOST_DB", "NEW_DB"],
        r2Buckets: ["SHARED_BACKUPS"],
        serviceBindings: { TEST_CONTRACT: contractService() },
      },
    }),
  ],
  test: {
    name: "worker",
    include: ["test/edge/**/*.test.ts"],
    setupFiles: ["test/edge/seed.ts"],
    // One workerd for all files: each start costs a second, and every test restores what it mocks.
    isolate: false,
    testTimeout: 30_000,
  },
};

const browser: TestProjectInlineConfiguration = {
  // It finds its wasm beside itself, and bundling would move it.
  optimizeDeps: { exclude: ["onnxruntime-web"], include: ["@bufbuild/protobuf", "zod"] },
  test: {
    name: "browser",
    include: ["test/browser/**/*.test.ts"],
    exclude: long,
    testTimeout: 120_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      commands: { browserModel },
      provider: playwright({
        launchOptions: {
          ...(chromium === undefined ? {} : { executablePath: chromium }),
          args: [
            "--no-sandbox",
            // A GPU of the CPU's, the same on every machine.
            "--enable-unsafe-webgpu",
            "--use-webgpu-adapter=swiftshader",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        },
      }),
      instances: [{ browser: "chromium" }],
    },
  },
};

export default defineConfig({
  test: {
    // As many files as processors: the default leaves one to Vitest, which on two has every file wait for the one before.
    maxWorkers: availableParallelism(),
    projects: [node, webgpu, worker, ...(chromium === undefined ? [] : [browser])],
    // The Worker's lines for every request and charge would bury what a test says.
    onConsoleLog: (text) => !/^\{"event":"(?:request|charge)"/.test(text),
  },
});
