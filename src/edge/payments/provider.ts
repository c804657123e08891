import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import type { PaymentWord } from "#domain/top-up.ts";

/** Who takes the money. One that speaks otherwise is another value of this. */
export interface PaymentProvider {
  /** In paths and before its ids. */
  readonly name: string;
  /** Where an account's holder buys credit. */
  checkoutUrl(accountId: string): string;
  /** Checks that an event is the provider's and fresh. `now` in milliseconds since 1970. Refuses with `payment_signature_invalid`. */
  verify(headers: Headers, body: string, now: number): Promise<Result<void, Failure>>;
  /** Reads an event that is the provider's; undefined for one that is no event at all. */
  read(body: unknown): ProviderEvent | undefined;
}

/** An event of a provider. Ids are the provider's own. */
export interface ProviderEvent {
  readonly id: string;
  readonly type: string;
  readonly says:
    | { readonly kind: "nothing" }
    /** It is about money, and was not understood. */
    | { readonly kind: "unclear"; readonly reason: string; readonly payment: string | null }
    | {
        readonly kind: "word";
        readonly payment: string;
        /** Whose credit it is to be; null where the event does not say. */
        readonly account: string | null;
        readonly word: PaymentWord;
      };
}
