import type { OwnAccountBody } from "#wire/api/accounts/account.ts";
import type { AccountBody } from "#wire/api/accounts/accounts.ts";
import type { FunctionBody, RegisteredFunctionBody } from "#wire/api/accounts/administration.ts";
import type { KeyBody } from "#wire/api/accounts/keys.ts";
import type { PaymentEventBody } from "#wire/api/accounts/payments.ts";
import type { RefusalRow } from "#wire/api/accounts/refusals.ts";
import type { SessionBody } from "#wire/api/accounts/sessions.ts";
import type { LedgerEntryBody, UsageRow } from "#wire/api/accounts/usage.ts";
import type { AnswerSummaryBody } from "#wire/api/answers/answer-list.ts";
import type { DeliveryBody } from "#wire/api/webhooks/deliveries.ts";
import type { EndpointBody } from "#wire/api/webhooks/endpoints.ts";
import { createStore, type Store } from "../../store.ts";
import type { Api } from "./api.ts";
import { createList, type List } from "./list.ts";
import { createResource, type Reporter, type Resource } from "./resource.ts";
import { daysUntil } from "./spend.ts";
import type { Topic } from "./tabs.ts";

/** What lists are narrowed to. */
export interface Filters {
  /** Days of spend and refusals that are shown, today included. */
  readonly days: number;
  readonly from: string | null;
  readonly to: string | null;
  readonly entryKind: string | null;
  readonly answerStatus: string | null;
  readonly deliveryStatus: string | null;
  readonly endpoint: string | null;
}

/** Everything that a signed-in person sees, asked for as it is shown. */
export interface Dashboard {
  readonly api: Api;
  readonly session: SessionBody;
  readonly reporter: Reporter;
  readonly now: () => number;
  readonly filters: Store<Filters>;
  readonly account: Resource<OwnAccountBody>;
  readonly usage: Resource<readonly UsageRow[]>;
  readonly refusals: Resource<readonly RefusalRow[]>;
  readonly ledger: List<LedgerEntryBody>;
  readonly keys: List<KeyBody>;
  readonly endpoints: List<EndpointBody>;
  readonly deliveries: List<DeliveryBody>;
  readonly answers: List<AnswerSummaryBody>;
  readonly sessions: List<SessionBody>;
  readonly accounts: List<AccountBody>;
  readonly functions: List<FunctionBody | RegisteredFunctionBody>;
  readonly payments: List<PaymentEventBody>;
  /** Narrows, and asks for what that changes. */
  narrow(change: Partial<Filters>): void;
  /** Something was changed here: asks for it again, here and in other tabs. */
  changed(...topics: readonly Topic[]): void;
  /** Asks again for what has been asked for before. `onlyAmiss`: where that failed. */
  refresh(topics: readonly Topic[] | "all", onlyAmiss?: boolean): void;
}

export interface DashboardOptions {
  readonly api: Api;
  readonly session: SessionBody;
  readonly reporter: Reporter;
  readonly now: () => number;
  readonly tellTabs: (topics: readonly Topic[]) => void;
}

const usualFilters: Filters = {
  days: 30,
  from: null,
  to: null,
  entryKind: null,
  answerStatus: null,
  deliveryStatus: null,
  endpoint: null,
};

/** What each filter narrows. */
const narrowed: Readonly<Record<keyof Filters, readonly Topic[]>> = {
  days: ["usage", "refusals"],
  from: ["ledger"],
  to: ["ledger"],
  entryKind: ["ledger"],
  answerStatus: ["answers"],
  deliveryStatus: ["deliveries"],
  endpoint: ["deliveries"],
};

export function createDashboard(options: DashboardOptions): Dashboard {
  const { api, session, reporter, now, tellTabs } = options;
  const filters = createStore(usualFilters);
  const days = (): readonly [from: string, to: string] => {
    const shown = daysUntil(now(), filters.get().days);
    return [shown[0] ?? "", shown.at(-1) ?? ""];
  };
  const resources = {
    account: createResource(() => api.account(), reporter),
    usage: createResource(() => api.usage(...days()), reporter),
    refusals: createResource(() => api.refusals(...days()), reporter),
    ledger: createList((after) => api.ledger(ledgerQuery(filters.get()), after), reporter),
    // An administrator's keys are those of an account, which its own page asks for.
    keys: createList((after) => api.keys({}, after), reporter),
    endpoints: createList(() => api.endpoints(), reporter),
    deliveries: createList((after) => {
      const { deliveryStatus: status, endpoint } = filters.get();
      return api.deliveries({ status, endpoint }, after);
    }, reporter),
    answers: createList(
      (after) => api.answers({ status: filters.get().answerStatus }, after),
      reporter,
    ),
    sessions: createList((after) => api.sessions(after), reporter),
    accounts: createList((after) => api.admin.accounts(after), reporter),
    functions: createList(() => api.admin.functions(), reporter),
    payments: createList((after) => api.admin.payments({}, after), reporter),
  };
  const refresh: Dashboard["refresh"] = (topics, onlyAmiss = false) => {
    for (const [topic, resource] of Object.entries(resources)) {
      const { value, isLoading, trouble } = resource.get();
      const wasAsked = value !== null || isLoading || trouble !== null;
      const isMeant = topics === "all" || topics.some((named) => named === topic);
      if (!isMeant || !wasAsked) continue;
      if (!onlyAmiss) void resource.reload();
      else if (trouble !== null) void resource.load();
    }
  };
  return {
    ...{ api, session, reporter, now, filters, ...resources, refresh },
    narrow(change) {
      filters.update(change);
      const names = Object.keys(change) as (keyof Filters)[];
      refresh(names.flatMap((name) => narrowed[name]));
    },
    changed(...topics) {
      refresh(topics);
      tellTabs(topics);
    },
  };
}

function ledgerQuery({ from, to, entryKind }: Filters): Readonly<Record<string, string | null>> {
  return { from, to, kind: entryKind };
}

/** Where the ledger is to be had as a file, narrowed as it is shown. */
export function ledgerFileQuery(filters: Filters): Readonly<Record<string, string | null>> {
  return { ...ledgerQuery(filters), format: "csv" };
}
