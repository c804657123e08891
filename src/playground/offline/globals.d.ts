/** What the site's build puts in (infra/site/offline.ts). */
declare const OFFLINE: {
  /** Changes with what is in any of the files. */
  readonly version: string;
  /** Files without which the page does not open, by their paths. */
  readonly needed: readonly string[];
  /** Files that are kept once they were used: what computes in one browser or another. */
  readonly used: readonly string[];
};

/** What a service worker has of its own: TypeScript's library for it cannot stand beside the one for pages. */
interface ServiceWorkerScope {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(
    type: "install" | "activate",
    listener: (event: { waitUntil(promise: Promise<unknown>): void }) => void,
  ): void;
  addEventListener(
    type: "fetch",
    listener: (event: {
      readonly request: Request;
      respondWith(response: Promise<Response>): void;
      waitUntil(promise: Promise<unknown>): void;
    }) => void,
  ): void;
}
