/** Text to ids and back, supplied by the runtime from the bundle's tokenizer.json. */
export interface Tokenizer {
  /** Ids it can produce are below this; also the number of head columns that may be chosen. */
  readonly size: number;
  /** Encodes with special tokens recognised where they are written out. No begin-of-text is added. */
  encode(text: string): number[];
  /** Decodes one run of ids. Special tokens are left out unless `keepSpecial`; broken UTF-8 becomes U+FFFD. */
  decode(ids: readonly number[], keepSpecial?: boolean): string;
  /** The bytes that one id stands for, which may be part of a character; undefined of a special token and of an id that is none. */
  bytesOf(id: number): Uint8Array | undefined;
  /** Every added token as it is written, so that user text can be kept from spelling one. */
  readonly specialTokens: ReadonlyMap<string, number>;
}
