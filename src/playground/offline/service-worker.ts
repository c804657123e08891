// Entry file of the service worker, which is registered when a person asks without sending, and goes when that is removed. It keeps
// the playground's own files, those that are named in OFFLINE, so that the page opens without a network. It keeps no reply of the API,
// no other page, no picture and no key, and touches no request for anything else.

import { PAGE_CACHE } from "./names.ts";

const scope = self as unknown as ServiceWorkerScope;
const name = `${PAGE_CACHE}${OFFLINE.version}`;
const needed = new Set(OFFLINE.needed);
const used = new Set(OFFLINE.used);

/** The page itself, which the service hands to browsers and nobody else. */
const page = new Request("/", { headers: { accept: "text/html" } });

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin || search !== "") return;
  if (pathname === "/" && request.mode === "navigate") event.respondWith(openPage(request));
  else if (pathname !== "/" && needed.has(pathname)) event.respondWith(keptOr(request));
  else if (used.has(pathname)) event.respondWith(keptAfter(request, event.waitUntil.bind(event)));
});

/** All of a version or nothing of it: a page of one version with scripts of another would not open. */
async function install(): Promise<void> {
  const cache = await caches.open(name);
  await cache.addAll(
    OFFLINE.needed.map((path) => (path === "/" ? page : new Request(path, { cache: "no-cache" }))),
  );
  const before = await othersKept();
  const kinds = new Set(before.map(kindOf));
  await cache.addAll(OFFLINE.used.filter((path) => kinds.has(kindOf(path))));
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  for (const other of await otherCaches()) await caches.delete(other);
  await scope.clients.claim();
}

/** Online the page is the service's, so that whoever loads it again has the newest. */
async function openPage(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (cause) {
    const kept = await (await caches.open(name)).match("/", { ignoreVary: true });
    if (kept === undefined) throw cause;
    return kept;
  }
}

/** Their names change with what is in them: what is kept is what the network has. */
async function keptOr(request: Request): Promise<Response> {
  const kept = await (await caches.open(name)).match(new URL(request.url).pathname, {
    ignoreVary: true,
  });
  return kept ?? (await fetch(request));
}

async function keptAfter(
  request: Request,
  waitUntil: (promise: Promise<unknown>) => void,
): Promise<Response> {
  const cache = await caches.open(name);
  const { pathname } = new URL(request.url);
  const kept = await cache.match(pathname, { ignoreVary: true });
  if (kept !== undefined) return kept;
  const response = await fetch(request);
  // Where there is no room, it is fetched again next time.
  if (response.status === 200)
    waitUntil(cache.put(pathname, response.clone()).catch(() => undefined));
  return response;
}

async function otherCaches(): Promise<readonly string[]> {
  return (await caches.keys()).filter((one) => one.startsWith(PAGE_CACHE) && one !== name);
}

/** Paths that earlier versions keep. */
async function othersKept(): Promise<readonly string[]> {
  const caches_ = await Promise.all((await otherCaches()).map((one) => caches.open(one)));
  const keys = await Promise.all(caches_.map((cache) => cache.keys()));
  return keys.flat().map(({ url }) => new URL(url).pathname);
}

/** A file's path without what changes with its contents. */
function kindOf(path: string): string {
  return path.replace(/-[0-9A-Za-z]{8}(\.\w+)$/, "$1");
}
