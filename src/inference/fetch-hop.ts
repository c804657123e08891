// Entry of the fetch hop: `node src/inference/fetch-hop.ts`, configured by environment variables (config.ts). It reaches the
// addresses that callers name, pictures and webhooks, for the edge, and needs neither weights nor a model: what computes may
// be down, full or replaced meanwhile.

import { serve } from "@hono/node-server";
import { parseFetchConfig } from "./config.ts";
import { createFetchHandler } from "./fetch/handler.ts";
import { resolverFor } from "./fetch/resolver.ts";
import { createFetcher } from "./fetch/routes.ts";
import { jsonLog } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { withSecretFiles } from "./secret-files.ts";
import { askedToEnd, endWithin } from "./shutdown.ts";
import { openTelemetry } from "./telemetry/telemetry.ts";
import { createTicketLog } from "./ticket-log.ts";

async function main(): Promise<void> {
  const asked = askedToEnd();
  const telemetry = openTelemetry(withSecretFiles(process.env), "unmask-fetch-hop", Date.now);
  const log = telemetry.sent(jsonLog((line) => process.stderr.write(line), Date.now));
  const config = parseFetchConfig(process.env);
  const { host: hostname, port, ticketKeys, allowsPrivateFetch: allowsPrivate } = config;
  const forbiddenPorts = [port, ...config.forbiddenFetchPorts];
  const reach = { resolve: resolverFor(allowsPrivate), allowsPrivate, forbiddenPorts };
  const metrics = createMetrics();
  const fetcher = createFetcher(reach, Date.now, log, metrics);
  const tickets = createTicketLog(Date.now);
  let isDraining = false;
  const handler = createFetchHandler({
    ...{ ticketKeys, tickets, fetcher, metrics, now: Date.now, log, metricsGuard: config },
    isDraining: () => isDraining,
  });
  if (config.hint !== undefined) log("hop.hint", { sentence: config.hint });
  const server = serve({ fetch: handler.fetch, hostname, port }, (address) =>
    log("hop.listening", { host: hostname, port: address.port }),
  );
  const signal = await asked;
  isDraining = true;
  log("hop.draining", { signal, ...fetcher.load() });
  await endWithin(config.drainTimeoutMs, fetcher.drain(), server, () =>
    log("hop.cut", fetcher.load()),
  );
  log("hop.ended");
  await telemetry.close();
}

main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : cause}\n`);
  process.exitCode = 1;
});
