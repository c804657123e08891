import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type { AccountState, FakeWorker } from "./fake-account.ts";
import { listen, type TestServer } from "./test-server.ts";

/** What Cloudflare replies: its envelope is made around `result`; with `fault` it refuses. */
type Reply =
  | { readonly result: unknown; readonly info?: object }
  | {
      readonly status: number;
      readonly fault: { readonly code: number; readonly message: string };
    };

/**
 * As much of Cloudflare's API as the real wrangler asks on behalf of `npm run deploy`, on loopback, over the same account that the
 * fake wrangler keeps: what the one prints of it is held against what the other does. `state` is read and changed in place.
 */
export async function serveCloudflare(state: AccountState): Promise<TestServer> {
  return await listen(
    createServer(async (request, response) => {
      const reply = await answer(state, request);
      const isFault = "fault" in reply;
      response.writeHead(isFault ? reply.status : 200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          success: !isFault,
          errors: isFault ? [reply.fault] : [],
          messages: [],
          result: isFault ? null : reply.result,
          ...(isFault || reply.info === undefined ? {} : { result_info: reply.info }),
        }),
      );
    }),
  );
}

async function answer(state: AccountState, request: IncomingMessage): Promise<Reply> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://api");
  const body = await text(request);
  const is = (method: string, pattern: RegExp): RegExpExecArray | null =>
    request.method === method ? pattern.exec(pathname) : null;
  if (is("GET", /^\/user\/tokens\/verify$/)) return { result: { status: "active" } };
  if (is("GET", /^\/user$/)) return { result: { email: "us@example.com" } };
  if (is("GET", /^\/accounts$/)) return page(state.accounts);
  if (is("GET", /^\/memberships$/)) return page(state.accounts.map((account) => ({ account })));
  if (is("GET", /\/d1\/database$/))
    return page(state.databases.map(({ uuid, name }) => ({ uuid, name, version: "production" })));
  if (is("POST", /\/d1\/database$/)) {
    const { name } = JSON.parse(body) as { name: string };
    if (state.databases.some((one) => one.name === name))
      return refused(400, 7502, "A database with that name already exists");
    const uuid = `0000000${state.databases.length + 1}-d1`;
    state.databases.push({ name, uuid, applied: [] });
    return { result: { uuid, name, version: "production" } };
  }
  const [, queried] = is("POST", /\/d1\/database\/([^/]+)\/query$/) ?? [];
  if (queried !== undefined) return query(state, queried);
  const [, shown] = is("GET", /\/d1\/database\/([^/]+)$/) ?? [];
  if (shown !== undefined)
    return { result: state.databases.find(({ uuid }) => uuid === shown) ?? null };
  if (is("GET", /\/queues$/)) {
    const wanted = searchParams.get("name");
    return page(state.queues.filter((name) => name === wanted).map(queueOf));
  }
  if (is("POST", /\/queues$/)) {
    const { queue_name: name } = JSON.parse(body) as { queue_name: string };
    if (state.queues.includes(name)) return refused(409, 11_009, "Queue name is already taken");
    state.queues.push(name);
    return { result: queueOf(name) };
  }
  if (is("GET", /\/r2\/buckets$/))
    return {
      result: {
        buckets: state.buckets.map((name) => ({ name, creation_date: "2026-11-28T00:00:00.000Z" })),
      },
    };
  if (is("POST", /\/r2\/buckets$/)) {
    const { name } = JSON.parse(body) as { name: string };
    if (state.buckets.includes(name))
      return refused(409, 10_004, "The bucket you tried to create already exists, and you own it.");
    state.buckets.push(name);
    return { result: { name } };
  }
  const [, ruled = ""] = /\/r2\/buckets\/([^/]+)\/lifecycle$/.exec(pathname) ?? [];
  if (ruled !== "") return answerOfRules(state, ruled, request.method ?? "", body);
  const [, name = "", rest = ""] = /\/workers\/scripts\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
  if (name !== "") return answerOfWorker(state.workers[name], `${request.method} ${rest}`, body);
  return refused(404, 7003, `nobody serves ${request.method} ${pathname} here`);
}

interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  readonly conditions: { readonly prefix?: string };
  readonly deleteObjectsTransition: {
    readonly condition: { readonly type: "Age"; readonly maxAge: number };
  };
}

/** Source: R2's API, `buckets/{name}/lifecycle`; ages are seconds. */
function answerOfRules(state: AccountState, bucket: string, method: string, body: string): Reply {
  if (!state.buckets.includes(bucket))
    return refused(404, 10_006, "The specified bucket does not exist.");
  if (method === "PUT") {
    const { rules } = JSON.parse(body) as { readonly rules: readonly LifecycleRule[] };
    if (new Set(rules.map(({ id }) => id)).size < rules.length)
      return refused(400, 10_040, "The lifecycle configuration has two rules of one id.");
    state.rules[bucket] = rules.map(
      ({ id, conditions, deleteObjectsTransition: { condition } }) => ({
        id,
        prefix: conditions.prefix ?? "",
        days: condition.maxAge / 86_400,
      }),
    );
    return { result: {} };
  }
  const rules = (state.rules[bucket] ?? []).map(
    ({ id, prefix, days }): LifecycleRule => ({
      ...{ id, enabled: true, conditions: prefix === "" ? {} : { prefix } },
      deleteObjectsTransition: { condition: { type: "Age", maxAge: days * 86_400 } },
    }),
  );
  return { result: { rules } };
}

function answerOfWorker(worker: FakeWorker | undefined, asked: string, body: string): Reply {
  if (worker === undefined)
    return refused(404, 10_007, "This Worker does not exist on your account.");
  const versions = worker.versions.map(versionOf).toReversed();
  const [, id] = /^GET versions\/(.+)$/.exec(asked) ?? [];
  if (id !== undefined) return { result: versions.find((one) => one.id === id) ?? null };
  switch (asked) {
    case "GET secrets":
      return {
        result: Object.keys(worker.secrets).map((name) => ({ name, type: "secret_text" })),
      };
    case "GET versions":
      return { result: { items: versions } };
    case "GET deployments":
      return { result: { deployments: worker.deployments.map(deploymentOf).toReversed() } };
    case "POST deployments": {
      const { versions: wanted } = JSON.parse(body) as { versions: { version_id: string }[] };
      const version = wanted[0]?.version_id ?? "";
      const createdAt = new Date(Date.UTC(2026, 10, 29) + worker.deployments.length).toISOString();
      worker.deployments.push({ createdAt, version });
      return { result: { id: `d${worker.deployments.length}` } };
    }
    default:
      return refused(404, 7003, `nobody serves ${asked} here`);
  }
}

function versionOf({ id, tag, message, createdAt }: FakeWorker["versions"][number], index: number) {
  const metadata = {
    created_on: createdAt,
    modified_on: createdAt,
    author_email: "us@example.com",
    source: "wrangler",
  };
  const annotations = {
    "workers/tag": tag,
    "workers/message": message,
    "workers/triggered_by": "deploy",
  };
  const resources = { bindings: [], script: {}, script_runtime: { usage_model: "standard" } };
  return { id, number: index + 1, metadata, annotations, resources };
}

function deploymentOf({ createdAt, version }: FakeWorker["deployments"][number], index: number) {
  return {
    ...{ id: `d${index + 1}`, source: "wrangler", strategy: "percentage", created_on: createdAt },
    author_email: "us@example.com",
    annotations: { "workers/triggered_by": "deployment" },
    versions: [{ version_id: version, percentage: 100 }],
  };
}

function queueOf(name: string) {
  return {
    ...{ queue_id: `q-${name}`, queue_name: name, created_on: "2026-11-28T00:00:00.000Z" },
    ...{ modified_on: "2026-11-28T00:00:00.000Z", producers: [], consumers: [] },
    ...{ producers_total_count: 0, consumers_total_count: 0, settings: {} },
  };
}

/** The one question that is asked of a database here: which migrations it has. */
function query(state: AccountState, id: string): Reply {
  const { applied } = state.databases.find(({ uuid }) => uuid === id) ?? { applied: [] };
  const results = applied.map((name, index) => ({ id: index + 1, name, applied_at: "2026-11-28" }));
  return { result: [{ success: true, results, meta: { duration: 0 } }] };
}

function page(items: readonly unknown[]): Reply {
  const count = items.length;
  return {
    result: items,
    info: { page: 1, per_page: 100, count, total_count: count, total_pages: 1 },
  };
}

function refused(status: number, code: number, message: string): Reply {
  return { status, fault: { code, message } };
}
