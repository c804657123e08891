import { scriptAddress } from "../parts/script-address.ts";
import { OFFLINE_WORKER, PAGE_CACHE } from "./names.ts";

/** So long the page's files are waited for: a model is of more use than a page that opens offline. */
const PATIENCE_MS = 10_000;

/**
 * Keeps the page's own files on this device, so that it opens without a network. Resolves when what this page loads from now on is kept
 * too; never rejects: where the browser keeps nothing, the page needs the network to be opened, and works all the same.
 */
export async function keepPage(): Promise<void> {
  const container = serviceWorkers();
  if (container === undefined) return;
  try {
    const registration = await container.register(scriptAddress(OFFLINE_WORKER), {
      updateViaCache: "none",
    });
    await Promise.race([
      settled(registration),
      new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
    ]);
  } catch {
    // Without TLS, in private windows, or as the person has set it.
  }
}

/** Lets go of the page's files. Never rejects. */
export async function forgetPage(): Promise<void> {
  try {
    for (const registration of (await serviceWorkers()?.getRegistrations()) ?? [])
      await registration.unregister();
    for (const name of await caches.keys())
      if (name.startsWith(PAGE_CACHE)) await caches.delete(name);
  } catch {
    // A browser that keeps nothing has nothing to let go of.
  }
}

function serviceWorkers(): ServiceWorkerContainer | undefined {
  return (navigator as { readonly serviceWorker?: ServiceWorkerContainer }).serviceWorker;
}

/** Resolves when the worker is at work, or given up. */
function settled({ installing, waiting }: ServiceWorkerRegistration): Promise<void> {
  const coming = installing ?? waiting;
  return new Promise((resolve) => {
    if (coming === null) return resolve();
    coming.addEventListener("statechange", () => {
      if (coming.state === "activated" || coming.state === "redundant") resolve();
    });
  });
}
