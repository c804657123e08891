/** How old the word of a function about its weights may be: so long after a switch of models, old answers are still told. */
export const MODEL_MS = 30_000;

/** A function that cannot say which weights it has is asked again after this. */
const UNKNOWN_MS = 1_000;

/** Which weights answer, as this isolate heard last. */
export class ServedModel {
  #heard: { readonly digest: string | undefined; readonly at: number } | undefined;

  /** Their digest; undefined where no function is ready to say. `read` is called when the last word is too old. `now` in milliseconds since 1970. */
  async digest(
    read: () => Promise<string | undefined>,
    now: () => number,
  ): Promise<string | undefined> {
    const heard = this.#heard;
    const lifetime = heard?.digest === undefined ? UNKNOWN_MS : MODEL_MS;
    if (heard !== undefined && Math.abs(now() - heard.at) < lifetime) return heard.digest;
    const at = now();
    // Not shared between requests: work that one of them began ends with it.
    const digest = await read();
    this.#heard = { digest, at };
    return digest;
  }
}
