// Entry of the inference function: `node src/inference/function.ts`, configured by environment variables (config.ts).

import { tmpdir } from "node:os";
import path from "node:path";
import { serve } from "@hono/node-server";
import { createAdmission } from "./admission.ts";
import { parseConfig } from "./config.ts";
import { resolverFor } from "./fetch/resolver.ts";
import { createFetcher } from "./fetch/routes.ts";
import { startOwnHeartbeat } from "./fleet/own-heartbeat.ts";
import { createPace } from "./fleet/pace.ts";
import { createHandler } from "./handler.ts";
import { jsonLog } from "./log.ts";
import { openDeviceRegister } from "./machine/device-register.ts";
import { createMetrics } from "./metrics.ts";
import { createModelHost } from "./model-host.ts";
import { type ModelLoad, openModel } from "./model-loader.ts";
import { loadKernels } from "./runtime/kernels.ts";
import { withSecretFiles } from "./secret-files.ts";
import { openShardCache } from "./shard-cache.ts";
import { askedToEnd, endWithin } from "./shutdown.ts";
import { openStore, type StoreConfig } from "./store-config.ts";
import { type OpenSpan, openTelemetry } from "./telemetry/telemetry.ts";
import { createTicketLog } from "./ticket-log.ts";

async function main(): Promise<void> {
  const asked = askedToEnd();
  const telemetry = openTelemetry(withSecretFiles(process.env), "unmask-function", Date.now);
  const log = telemetry.sent(jsonLog((line) => process.stderr.write(line), Date.now));
  const config = parseConfig(process.env);
  const loading = telemetry.begin("weights.load", "internal", null);
  const cache =
    config.shardCache === undefined ? undefined : await openShardCache(config.shardCache);
  const storeConfig = tracedStore(config.store, loading.traceparent);
  const store = await openStore(storeConfig);
  const host = createModelHost({
    model: config.model,
    provider: config.provider,
    ...(config.cuda === undefined ? {} : { cuda: config.cuda }),
    ...(config.threads === undefined ? {} : { threads: config.threads }),
    prefixBytes: config.prefixBytes,
    resize: (await loadKernels()).resize,
    log,
    featureBytes: config.featureBytes,
    scratch: config.scratch,
    devices: openDeviceRegister(path.join(tmpdir(), "unmask-devices")),
    open: async (signal) => {
      const opened = await openModel({
        store,
        model: config.model,
        ...(config.modelVersion === undefined ? {} : { version: config.modelVersion }),
        ...(cache === undefined ? {} : { cache }),
        apart: {
          store: storeConfig,
          ...(config.shardCache === undefined ? {} : { cache: config.shardCache }),
        },
        onMended: (sentence) => log("load.mended", { sentence }),
        signal,
      });
      return tracedLoad(opened, loading);
    },
  });
  const admission = createAdmission(config.answersAtOnce, config.queueLength, () =>
    performance.now(),
  );
  const metrics = createMetrics();
  const pace = createPace(() => performance.now());
  const { allowsPrivateFetch: allowsPrivate, forbiddenFetchPorts } = config;
  const forbiddenPorts = [config.port, ...forbiddenFetchPorts];
  const reach = { resolve: resolverFor(allowsPrivate), allowsPrivate, forbiddenPorts };
  const fetcher = createFetcher(reach, Date.now, log, metrics);
  let isDraining = false;
  const cut = new AbortController();
  const handler = createHandler({
    host,
    admission,
    ticketKeys: config.ticketKeys,
    tickets: createTicketLog(Date.now),
    fetcher,
    metrics,
    pace,
    metricsGuard: config,
    telemetry,
    isDraining: () => isDraining,
    cut: cut.signal,
    now: Date.now,
    log,
  });
  if (config.hint !== undefined) log("function.hint", { sentence: config.hint });
  const server = serve(
    { fetch: handler.fetch, hostname: config.host, port: config.port },
    ({ port }) => log("function.listening", { host: config.host, port }),
  );
  const heartbeat = startOwnHeartbeat(config, {
    ...{ host, admission, metrics, pace, log },
    isDraining: () => isDraining,
  });
  const end = await Promise.race([asked, host.replacement]);
  isDraining = true;
  // Edges send nothing more from the moment on at which they know; what they send before is refused.
  void heartbeat?.tell();
  if (typeof end === "string") log("function.draining", { signal: end, ...admission.load() });
  else log("function.replaced", { reason: end.reason, exitCode: end.exitCode });
  const work = Promise.all([admission.drain(), fetcher.drain()]);
  await endWithin(config.drainTimeoutMs, work, server, () => {
    log("function.cut", admission.load());
    cut.abort();
  });
  heartbeat?.stop();
  await host.dispose();
  log("function.ended");
  await telemetry.close();
  if (typeof end === "string") return;
  // Its last line, for who reads the terminal: the log's lines are for machines.
  process.stderr.write(`${end.sentence}\n`);
  process.exitCode = end.exitCode;
}

/** The store hears of which loading its requests are. */
function tracedStore(store: StoreConfig, traceparent: string): StoreConfig {
  return store.kind === "s3" ? { ...store, config: { ...store.config, traceparent } } : store;
}

/** Ends the span of a loading with it. */
function tracedLoad(load: ModelLoad, span: OpenSpan): ModelLoad {
  return {
    ...load,
    start: async (...given) => {
      const tell = (isError: boolean): void => {
        const { loadedBytes, totalBytes } = bytesOf(load);
        const bytes = { "unmask.loaded_bytes": loadedBytes, "unmask.total_bytes": totalBytes };
        span.end({ "unmask.model": load.bundle.name, ...bytes }, isError);
      };
      try {
        await load.start(...given);
      } catch (cause) {
        tell(true);
        throw cause;
      }
      tell(false);
    },
  };
}

function bytesOf(load: ModelLoad): { readonly loadedBytes: number; readonly totalBytes: number } {
  const { doneBytes, totalBytes } = load.state().status;
  return { loadedBytes: doneBytes, totalBytes };
}

main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : cause}\n`);
  process.exitCode = 1;
});
