import type { Notice, WebhookTarget } from "#domain/notice.ts";

/**
 * Takes notices to the account's endpoints. `accept` resolves once the notice is kept and will be delivered or reported
 * as undeliverable, whether the Worker or the object dies; it may be repeated, and the same `notice.id` is then told once. It never waits for a
 * receiver. Rejects only where the account's object cannot be reached: try again.
 */
export interface Notices {
  accept(notice: Notice, target: WebhookTarget | null): Promise<void>;
  /** As `accept`, for an address that a request named and for no endpoint: its answer was told to them before. */
  acceptAt(notice: Notice, target: WebhookTarget): Promise<void>;
  /** Forgets what was told of an answer or a batch, also what is on its way. */
  forgetAbout(accountId: string, about: string): Promise<void>;
}
