import { DatabaseSync } from "node:sqlite";
import type { Notice } from "#domain/notice.ts";
import type { WebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import { openWebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import type {
  DueDelivery,
  Endpoint,
  SendingResult,
} from "#edge/webhooks/storage/webhook-tables.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import type { DeliveryReply } from "#wire/function/fetch.ts";
import { nodeStore } from "../support/ledger-twin.ts";

/** What became of every delivery of a simulated time. */
export interface SimulatedDeliveries {
  readonly notices: number;
  /** Notices times endpoints. */
  readonly deliveries: number;
  /** Sendings, failed ones included. */
  readonly sendings: number;
  readonly faults: number;
  /** Sendings of which our own side did not say that they left; some of them had. */
  readonly unsent: number;
  /** Of these, how many were counted as an attempt or told against an endpoint: must be 0. */
  readonly blamed: number;
  /** The same notice at the same receiver again, which a correct receiver knows by its `webhook-id`. */
  readonly repeats: number;
  /** Senders that died between a sending and its record, with everything that they had in hand. */
  readonly deaths: number;
  /** Endpoints that were disabled because they answered 410. */
  readonly disabled: number;
  /** Reported as failed, and sent again when their owner asked for it. */
  readonly givenUp: number;
  /** Never processed: must be 0. */
  readonly lost: number;
  /** Processed twice by a receiver that goes by `webhook-id`: must be 0. */
  readonly processedTwice: number;
}

const ENDPOINTS = 4;
const FAULT_RATE = 0.3;

/** Of the sendings, so that an endpoint is disabled now and then. */
const GONE_RATE = 0.0005;

/** The first receiver is down for longer than any schedule, for the last of the notices. */
const DOWN_MS = 4 * 24 * 3_600_000;
const DOWN_SHARE = 0.02;

/** Of the sendings that our own side fails to make while it is up, and of the notices with which it goes down for minutes. */
const OWN_FAULT_RATE = 0.03;
const OUTAGE_RATE = 0.001;
const MAX_OUTAGE_MS = 10 * 60_000;

/** It is down for half a day as well, in the middle of what the first receiver is. */
const LONG_OUTAGE_MS = 12 * 3_600_000;

/** How often the owner tries: one in 10^5 deliveries fails ten times by chance, none in so many rounds. */
const ROUNDS = 10;

/**
 * Delivers notices of one account to four receivers in virtual time, while 30 % of the sendings go wrong: time-outs of
 * work that was done or not, 5xx, redirects, 429 and 503 with Retry-After, lost replies, replies that are written down
 * after another sender took over, senders that die with all they had in hand, notices that are handed over twice, 410,
 * a receiver that is down for days, and our own side that is full, or down for minutes or hours. The owner enables what was disabled and redelivers what failed. Every seed is
 * another history; the same seed is the same.
 */
export function simulateDeliveries(count: number, seed: number): SimulatedDeliveries {
  return new World(seed).run(count);
}

class World {
  readonly #random: () => number;
  readonly #database = new DatabaseSync(":memory:");
  #repository: WebhookRepository;
  #clock = Date.UTC(2026, 0, 1);
  #downUntil = 0;
  #ownDownUntil = 0;
  #ids = 0;
  /** Pairs of `webhook-id` and receiver. */
  readonly #seen = new Set<string>();
  /** How often each receiver worked on each answer. */
  readonly #processed = new Map<string, number>();
  readonly #expected = new Set<string>();
  /** Deliveries whose sender is slow to write down that they arrived. */
  #late: string[] = [];
  readonly #count = {
    ...{ sendings: 0, faults: 0, unsent: 0, blamed: 0, repeats: 0 },
    ...{ deaths: 0, disabled: 0, givenUp: 0 },
  };

  constructor(seed: number) {
    const uniform = mulberry32(seed);
    this.#random = () => uniform.next();
    this.#repository = this.#open();
    for (let index = 0; index < ENDPOINTS; index++) this.#repository.putEndpoint(endpoint(index));
  }

  run(count: number): SimulatedDeliveries {
    const notices = Math.ceil(count / ENDPOINTS);
    const downFrom = Math.floor(notices * (1 - DOWN_SHARE));
    for (let made = 0; made < notices; made++) {
      if (made === downFrom) this.#downUntil = this.#clock + DOWN_MS;
      if (made === notices - 1) this.#ownDownUntil = this.#clock + LONG_OUTAGE_MS;
      else if (this.#random() < OUTAGE_RATE)
        this.#ownDownUntil = this.#clock + Math.floor(this.#random() * MAX_OUTAGE_MS);
      this.#accept(made);
      this.#clock += Math.floor(this.#random() * 4_000);
      this.#send();
    }
    this.#drain();
    for (let round = 0; round < ROUNDS && this.#redeliver() > 0; round += 1) this.#drain();
    return this.#judge(notices);
  }

  #open(): WebhookRepository {
    return openWebhookRepository(nodeStore(this.#database), {
      now: () => this.#clock,
      random: this.#random,
      newId: (prefix) => `${prefix}_${++this.#ids}`,
    });
  }

  #accept(index: number): void {
    const notice: Notice = {
      id: `evt_n${index}`,
      type: "answer.completed",
      accountId: "acc_1",
      at: this.#clock,
      data: { id: `ans_${index}` },
    };
    this.#repository.accept(notice, null);
    for (let at = 0; at < ENDPOINTS; at++) this.#expected.add(`ans_${index} whe_${at}`);
    // An answer's object that did not hear that it was accepted hands it over again.
    if (this.#random() < FAULT_RATE) this.#repository.accept(notice, null);
  }

  /** Lets time pass until nothing is on its way. */
  #drain(): void {
    for (let due = this.#repository.nextDueAt(); due !== null; due = this.#repository.nextDueAt()) {
      this.#clock = Math.max(this.#clock, due);
      this.#send();
    }
  }

  /** What a run does: it sends until nothing is due or it dies. */
  #send(): void {
    this.#writeLate();
    for (let batch = this.#repository.take(6); batch.length > 0; batch = this.#repository.take(6))
      for (const delivery of batch) {
        this.#count.sendings += 1;
        const result = this.#sending(delivery);
        if (result === "dies") {
          this.#die();
          return;
        }
        if (result !== "lost") this.#record(delivery.id, result);
        this.#enable();
      }
  }

  #record(id: string, result: SendingResult): void {
    if (result.outcome !== "unsent") {
      this.#repository.record(id, result);
      return;
    }
    const before = this.#attemptsOf(id);
    this.#repository.record(id, result);
    if (this.#attemptsOf(id) !== before) this.#count.blamed += 1;
  }

  /** What a sending can be told against: the delivery's attempts and state, and how its endpoint stands. */
  #attemptsOf(id: string): string {
    const found = this.#repository.delivery(id);
    if (found === null) throw new Error(`${id} is lost`);
    const { state, attempts, endpointId } = found.delivery;
    const { isEnabled, failingSince } = this.#repository.endpoint(endpointId ?? "") ?? {};
    return JSON.stringify([state, attempts, found.attempts.length, isEnabled, failingSince]);
  }

  #die(): void {
    this.#count.deaths += 1;
    this.#repository = this.#open();
  }

  #writeLate(): void {
    const late = this.#late;
    this.#late = [];
    for (const id of late)
      if (this.#random() < 0.5) this.#repository.record(id, response(200));
      else this.#late.push(id);
  }

  /** What comes of a sending, if anybody lives to hear it. */
  #sending(delivery: DueDelivery): SendingResult | "lost" | "dies" {
    if (this.#clock < this.#ownDownUntil || this.#random() < OWN_FAULT_RATE) {
      this.#count.unsent += 1;
      // It broke off before it could say that it had sent.
      if (this.#random() < 0.1) this.#receive(delivery);
      return { outcome: "unsent" };
    }
    const isDown = delivery.url === endpoint(0).url && this.#clock < this.#downUntil;
    const fate = this.#random();
    if (!isDown && fate >= FAULT_RATE) {
      this.#receive(delivery);
      return response(200);
    }
    this.#count.faults += 1;
    if (isDown) return failed("unreachable");
    if (fate < GONE_RATE) return response(410);
    const kind = Math.floor(this.#random() * 9);
    // In more than half of these the receiver had done its work before anything went wrong.
    if (kind >= 4) this.#receive(delivery);
    switch (kind) {
      case 0:
        return response(500);
      case 1:
        return response(301, { location: "https://moved.test/" });
      case 2:
        return response(429, { retry_after: String(Math.floor(this.#random() * 7_200)) });
      case 3:
        return failed("unreachable");
      case 4:
        return failed("timeout");
      case 5:
        return response(503, { retry_after: "30" });
      case 6:
        this.#late.push(delivery.id);
        return "lost";
      case 7:
        return "lost";
      default:
        return "dies";
    }
  }

  /** A correct receiver: it goes by `webhook-id`, and works on every answer whose id it has not seen. */
  #receive({ noticeId, url, body }: DueDelivery): void {
    const { type, data } = JSON.parse(body) as { type: string; data: { id: string } };
    if (type !== "answer.completed") return;
    const receiver = new URL(url).hostname.replace(".test", "");
    if (this.#seen.has(`${noticeId} ${receiver}`)) {
      this.#count.repeats += 1;
      return;
    }
    this.#seen.add(`${noticeId} ${receiver}`);
    const key = `${data.id} ${receiver}`;
    this.#processed.set(key, (this.#processed.get(key) ?? 0) + 1);
  }

  /** The owner looks after an endpoint that was disabled. */
  #enable(): void {
    for (const known of this.#repository.endpoints()) {
      if (known.isEnabled) continue;
      this.#count.disabled += 1;
      const enabled = { isEnabled: true, disabledReason: null, failingSince: null };
      this.#repository.putEndpoint({ ...known, ...enabled });
    }
  }

  /** The owner sends again what failed. */
  #redeliver(): number {
    const until = this.#clock + 1;
    const count = this.#repository.redeliverRange({ state: "failed", since: 0, until });
    this.#count.givenUp += count;
    return count;
  }

  #judge(notices: number): SimulatedDeliveries {
    const deliveries = this.#expected.size;
    const lost = [...this.#expected].filter((key) => !this.#processed.has(key)).length;
    const processedTwice = [...this.#processed.values()].filter((times) => times > 1).length;
    return { notices, deliveries, ...this.#count, lost, processedTwice };
  }
}

function endpoint(index: number): Endpoint {
  return {
    id: `whe_${index}`,
    url: `https://whe_${index}.test/`,
    events: null,
    signing: "hmac",
    secret: "whsec_x",
    publicKey: null,
    previous: null,
    isEnabled: true,
    disabledReason: null,
    failingSince: null,
    createdAt: index,
  };
}

function response(
  status: number,
  fields: { readonly location?: string; readonly retry_after?: string } = {},
): DeliveryReply {
  const { location = null, retry_after = null } = fields;
  return { outcome: "response", status, location, retry_after, duration_ms: 5 };
}

function failed(reason: "timeout" | "unreachable"): DeliveryReply {
  return { outcome: "failed", reason, detail: "simulated", duration_ms: 15_000 };
}
