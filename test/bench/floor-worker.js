// What a paid answer cannot do without, and nothing else: the same calls of objects, the same promises in the same order (hold
// before start, end before capture, capture before reply), rows of the same size, a signed ticket, and the function's reply read to
// its end. No validation, no cache, no limits but one sum, no repetition, no recovery. What it takes is the least that this runtime
// and this disk take for a paid answer, however it is written: `npm run bench -- ledger` runs it beside the product.

import { DurableObject } from "cloudflare:workers";

const TABLES = {
  ledger: [
    "CREATE TABLE IF NOT EXISTS balances (one INTEGER PRIMARY KEY, available INTEGER, held INTEGER, revenue INTEGER)",
    "INSERT OR IGNORE INTO balances VALUES (1, 1000000000, 0, 0)",
    "CREATE TABLE IF NOT EXISTS entries (seq INTEGER PRIMARY KEY, kind TEXT, amount INTEGER, hold TEXT, at INTEGER, available INTEGER)",
    "CREATE TABLE IF NOT EXISTS holds (id TEXT PRIMARY KEY, terms TEXT, amount INTEGER, expires_at INTEGER, state TEXT) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS holds_open ON holds (expires_at) WHERE state = 'open'",
    "CREATE TABLE IF NOT EXISTS rates (owner TEXT PRIMARY KEY, started_at INTEGER, requests INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS spending (purse TEXT PRIMARY KEY, amount INTEGER) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, event TEXT) WITHOUT ROWID",
  ],
  answers: [
    "CREATE TABLE IF NOT EXISTS answer (id TEXT, record TEXT, text TEXT, PRIMARY KEY (id, record)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS due (at INTEGER, id TEXT, PRIMARY KEY (at, id)) WITHOUT ROWID",
  ],
};

/** Longer than any answer takes: the alarm that finds what a dead instance left. */
const ALARM_MS = 180_000;

class Rows extends DurableObject {
  constructor(state, env, tables) {
    super(state, env);
    this.sql = state.storage.sql;
    for (const table of tables) this.sql.exec(table);
    this.alarmAt = 0;
  }

  ring() {
    if (this.alarmAt > Date.now()) return;
    this.alarmAt = Date.now() + ALARM_MS;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(this.alarmAt));
  }

  alarm() {
    this.alarmAt = 0;
  }
}

export class FloorLedger extends Rows {
  constructor(state, env) {
    super(state, env, TABLES.ledger);
    this.isSending = false;
  }

  hold({ id, terms, amount }) {
    const now = Date.now();
    this.ring();
    for (const owner of ["key", "account"])
      this.sql.exec(
        "INSERT INTO rates VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET requests = requests + 1",
        owner,
        now,
      );
    this.sql.exec(
      "INSERT INTO spending VALUES ('day', ?) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
      amount,
    );
    this.#post("hold", id, amount, "available", "held");
    this.sql.exec(
      "INSERT INTO holds VALUES (?, ?, ?, ?, 'open')",
      ...[id, terms, amount, now + ALARM_MS],
    );
    return true;
  }

  capture({ id, amount, usage }) {
    this.#post("capture", id, amount, "held", "revenue");
    this.sql.exec("UPDATE holds SET state = 'captured' WHERE id = ?", id);
    this.sql.exec("INSERT INTO outbox VALUES (?, ?)", id, usage);
    if (!this.isSending) this.ctx.waitUntil(this.#send());
    return amount;
  }

  #post(kind, id, amount, from, to) {
    const [{ available }] = this.sql
      .exec(
        `UPDATE balances SET ${from} = ${from} - ?1, ${to} = ${to} + ?1 RETURNING available`,
        amount,
      )
      .toArray();
    this.sql.exec(
      "INSERT INTO entries (kind, amount, hold, at, available) VALUES (?, ?, ?, ?, ?)",
      ...[kind, amount, id, Date.now(), available],
    );
  }

  async #send() {
    this.isSending = true;
    await scheduler.wait(1_000);
    this.isSending = false;
    const events = this.sql.exec("SELECT id, event FROM outbox LIMIT 100").toArray();
    await this.env.USAGE.sendBatch(events.map(({ event }) => ({ body: JSON.parse(event) })));
    for (const { id } of events) this.sql.exec("DELETE FROM outbox WHERE id = ?", id);
  }
}

export class FloorAnswers extends Rows {
  constructor(state, env) {
    super(state, env, TABLES.answers);
    this.resting = [];
  }

  async run({ id, account, question, amount }) {
    const head = new TextEncoder().encode(question);
    const response = await fetch(`${this.env.FUNCTION_URL}/v1/generate`, {
      method: "POST",
      headers: { authorization: `Bearer ${await ticket(this.env, id, head)}` },
      body: head,
    });
    const frames = (await response.text()).split("\n\n").filter((text) => text !== "");
    const at = Date.now();
    const text = JSON.stringify({ id, object: "answer", frames, charged_micros: amount });
    this.ring();
    this.sql.exec("INSERT INTO answer VALUES (?, 'order', ?)", id, question);
    this.sql.exec("INSERT INTO answer VALUES (?, 'end', ?)", id, text);
    this.sql.exec("INSERT INTO due VALUES (0, ?)", id);
    for (const rested of this.resting.splice(0)) {
      this.sql.exec("DELETE FROM due WHERE at = 0 AND id = ?", rested);
      this.sql.exec("INSERT INTO due VALUES (?, ?)", at, rested);
    }
    const usage = JSON.stringify({ id, account, micros: amount, at });
    await this.env.LEDGER.getByName(account).capture({ id, amount, usage });
    this.resting.push(id);
    return text;
  }
}

let signing;

async function ticket({ TICKET_KEY }, id, body) {
  const { kty, crv, x, d } = JSON.parse(TICKET_KEY);
  signing ??= await crypto.subtle.importKey("jwk", { kty, crv, x, d }, "Ed25519", false, ["sign"]);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex();
  const claims = new TextEncoder().encode(JSON.stringify({ sub: id, body_sha256: digest }));
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", signing, claims));
  const alphabet = { alphabet: "base64url" };
  return `e30.${claims.toBase64(alphabet)}.${signature.toBase64(alphabet)}`;
}

export default {
  async fetch(request, env) {
    const secret = new TextEncoder().encode(request.headers.get("authorization") ?? "");
    const key = new Uint8Array(await crypto.subtle.digest("SHA-256", secret)).toHex();
    const question = JSON.stringify(await request.json());
    const [id, account, amount] = [crypto.randomUUID(), `account of ${key}`, 100];
    await env.LEDGER.getByName(account).hold({ id, terms: question, amount });
    const answers = env.ANSWERS.getByName(`${account}/${id.slice(0, 1)}`);
    const text = await answers.run({ id, account, question, amount });
    console.log(JSON.stringify({ event: "request", id, status: 200 }));
    return new Response(text, { headers: { "content-type": "application/json" } });
  },
  queue(batch) {
    batch.ackAll();
  },
};
