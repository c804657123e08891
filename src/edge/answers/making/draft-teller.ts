import { placeInStream } from "#domain/event.ts";
import type { Notice } from "#domain/notice.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Notices } from "../../webhooks/notices.ts";
import type { AnswerOrder, StoredOrder } from "../storage/answer-order.ts";
import { keptAs, ownedBy } from "./completion-outbox.ts";

/** At most so often is a canvas in the making told to a webhook that asked for drafts. */
const DRAFT_EVERY_MS = 1000;

/** Tells the canvas in the making to the webhook of a request that asked for drafts. */
export class DraftTeller {
  #toldAt = 0;

  /** Whether a draft is due; each that is told is followed by another a second later at the soonest. */
  isDue({ webhook }: Pick<AnswerOrder, "webhook">, now: number): boolean {
    if (webhook?.wantsDrafts !== true || now - this.#toldAt < DRAFT_EVERY_MS) return false;
    this.#toldAt = now;
    return true;
  }

  /** A draft that is lost is followed by the answer. */
  async tell(
    { job, owner, payment, webhook, keeping }: StoredOrder,
    draft: { readonly body: AnswerBody; readonly noticeId: string; readonly at: number },
    notices: Pick<Notices, "accept" | "acceptAt">,
  ): Promise<void> {
    const { body: data, noticeId, at } = draft;
    const id = `${noticeId}.${placeInStream(data.restarts, data.usage.steps)}`;
    const whose = { ...ownedBy({ job, owner }), ...keptAs(keeping) };
    const notice: Notice = { id, type: "answer.draft", ...whose, at, data };
    // The answers of a batch are told to the address that they name, and to no endpoint.
    if (payment.kind === "hold") await notices.accept(notice, webhook);
    else if (webhook !== null) await notices.acceptAt(notice, webhook);
  }
}
