import type { HeartbeatBody } from "#wire/fleet/heartbeat.ts";
import { modelCardSchema, type ModelCard as ToldCard } from "#wire/function/status.ts";
import { membersOf, type StoredJson, storedJson, unchanged } from "../../storage/stored-json.ts";

/** A heartbeat without its card, which lies beside it once for all functions of the same weights. */
export type KeptReport = Omit<HeartbeatBody, "card">;

export const storedReport: StoredJson<KeptReport> = storedJson({
  name: "what a function says of itself",
  is: membersOf<KeptReport>({
    url: "string",
    instance: "string",
    sent_at: "number",
    model: "string",
    provider: "string",
    digest: ["string", "null"],
    numerics: ["string", "null"],
    state: "string",
    eta_seconds: ["number", "null"],
    loaded_in_ms: ["number", "null"],
    queued_steps: "number",
    ms_per_step: ["number", "null"],
    running: "number",
    waiting: "number",
    places: "number",
    queue_length: "number",
    sleeps: "boolean",
  }),
  upgrades: [unchanged],
});

export const storedCard: StoredJson<ToldCard> = storedJson({
  name: "what a model can be asked",
  is: (value): value is ToldCard => modelCardSchema.safeParse(value).success,
  upgrades: [unchanged],
});
