import type { Notice, WebhookTarget } from "#domain/notice.ts";
import type { ObjectsOf } from "../objects.ts";
import type { Notices } from "./notices.ts";
import { QuietAccounts } from "./quiet.ts";

/** What the teller of an account is asked: as in `Notices`. */
export interface NoticeCalls extends Pick<Notices, "acceptAt"> {
  forgetAbout(about: string): Promise<void>;
  /** Says whether the account has no endpoint, which holds for `QUIET_MS`. A teller of a version before says nothing. */
  accept(notice: Notice, target: WebhookTarget | null): Promise<Accepted | undefined>;
}

export interface Accepted {
  readonly isQuiet: boolean;
}

/** Where the tellers are bound, for those who have something told. */
export interface NoticeBinding {
  /** One teller per account, named by its id. */
  readonly WEBHOOKS: ObjectsOf<NoticeCalls>;
}

/** The isolate's own. */
const quietAccounts = new QuietAccounts(() => performance.now());

/** Reaches the tellers of notices, one per account; one that has just said that it has nobody to tell is not asked again. */
export function noticesOf({ WEBHOOKS }: NoticeBinding): Notices {
  return {
    accept: async (notice, target) => {
      const { accountId } = notice;
      if (target === null && quietAccounts.has(accountId)) return;
      const askedAt = quietAccounts.asking();
      const accepted = await WEBHOOKS.getByName(accountId).accept(notice, target);
      quietAccounts.heard(accountId, askedAt, accepted?.isQuiet === true);
    },
    forgetAbout: async (accountId, about) => await WEBHOOKS.getByName(accountId).forgetAbout(about),
    acceptAt: async (notice, target) =>
      await WEBHOOKS.getByName(notice.accountId).acceptAt(notice, target),
  };
}
