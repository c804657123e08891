import type { ObjectsOf } from "../objects.ts";
import type { Notices } from "./notices.ts";

/** Where the tellers are bound, for those who have something told. */
export interface NoticeBinding {
  /** One teller per account, named by its id. */
  readonly WEBHOOKS: ObjectsOf<Notices>;
}

/** Reaches the tellers of notices, one per account. */
export function noticesOf({ WEBHOOKS }: NoticeBinding): Notices {
  return {
    accept: async (notice, target) =>
      await WEBHOOKS.getByName(notice.accountId).accept(notice, target),
    acceptAt: async (notice, target) =>
      await WEBHOOKS.getByName(notice.accountId).acceptAt(notice, target),
  };
}
