import { membersOf, type StoredJson, storedJson, unchanged } from "../../storage/stored-json.ts";
import type { AccountSecrets, Endpoint, KeptReply } from "./webhook-tables.ts";

/** What no query searches for of an endpoint. */
export type EndpointDetails = Omit<Endpoint, "id" | "url" | "failingSince" | "createdAt">;

export const storedDetails: StoredJson<EndpointDetails> = storedJson({
  name: "details of a webhook endpoint",
  is: membersOf<EndpointDetails>({
    events: ["array", "null"],
    signing: "string",
    secret: "string",
    publicKey: ["string", "null"],
    previous: ["object", "null"],
    isEnabled: "boolean",
    disabledReason: ["string", "null"],
  }),
  upgrades: [unchanged],
});

export const storedSecrets: StoredJson<AccountSecrets> = storedJson({
  name: "webhook secrets of an account",
  is: membersOf<AccountSecrets>({ secret: "string", previous: ["object", "null"] }),
  upgrades: [unchanged],
});

export const storedReply: StoredJson<KeptReply> = storedJson({
  name: "what became of a delivery",
  is: membersOf<KeptReply>({ outcome: "string", duration_ms: "number" }),
  upgrades: [unchanged],
});
