// What of the web's standards this client needs and some of its runtimes lack: React Native's engine has no AbortSignal.any, no
// DOMException, no random bytes, and replies without a body to read from.

/** A promise with what settles it. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes a promise that is settled from outside. */
export function deferred<Value>(): Deferred<Value> {
  let resolve: Deferred<Value>["resolve"] = () => undefined;
  let reject: Deferred<Value>["reject"] = () => undefined;
  const promise = new Promise<Value>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}

/** Says whether replies can be read as they arrive, and forms written as bytes: not in React Native, whose replies are whole texts. */
export function hasStreams(): boolean {
  return typeof Response !== "undefined" && "body" in Response.prototype;
}

/** The reason for which one stopped, which old engines do not keep. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? abortError("the caller aborted");
}

/** As the signal's own `throwIfAborted`. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  if (signal?.aborted) throw reasonOf(signal);
}

/** An error as an abort without a reason gives it. */
export function abortError(message: string): Error {
  if (typeof DOMException !== "undefined") return new DOMException(message, "AbortError");
  return Object.assign(new Error(message), { name: "AbortError" });
}

/** A signal that follows several: aborted by the first of them, with its reason. */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  if (typeof AbortSignal.any === "function") return AbortSignal.any([...signals]);
  const any = new AbortController();
  for (const signal of signals) {
    const follow = (): void => any.abort(reasonOf(signal));
    if (signal.aborted) follow();
    else signal.addEventListener("abort", follow, { once: true });
  }
  return any.signal;
}

/** A signal that is aborted after so many milliseconds, for the reason that is given then. Its timer keeps no process up where the runtime has such. */
export function lateSignal(milliseconds: number, reason: () => unknown): AbortSignal {
  const late = new AbortController();
  const end = (): void => late.abort(reason());
  if (typeof AbortSignal.timeout === "function")
    AbortSignal.timeout(milliseconds).addEventListener("abort", end, { once: true });
  else setTimeout(end, milliseconds);
  return late.signal;
}

/**
 * 128 random bits in hex. Not `randomUUID`, which pages without TLS do not have. Where there are no random bytes at all the
 * language's own numbers do: such a key keeps a request apart from the caller's others, and nothing secret depends on it.
 */
export function randomKey(): string {
  const bytes = new Uint8Array(16);
  if (typeof crypto === "undefined")
    for (const index of bytes.keys()) bytes[index] = Math.floor(Math.random() * 256);
  else crypto.getRandomValues(bytes);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
