/** A request and its reply, as one side saw them. */
export interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly request: Told;
  readonly status: number;
  readonly reply: Told;
}

/** Headers with lower-case names; the body as base64, null where there is none or where it is a stream that has not ended. */
export interface Told {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly isStream: boolean;
}

/** Reads what was sent as a body. */
export function bodyBytes({ body }: Told): Uint8Array {
  return Uint8Array.from(atob(body ?? ""), (character) => character.charCodeAt(0));
}

/** Writes a body. */
export function bodyText(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += 32_768)
    text += String.fromCharCode(...bytes.subarray(start, start + 32_768));
  return btoa(text);
}
