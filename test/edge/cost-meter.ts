import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { AnswerObject } from "#edge/answers/hosting/answer-object.ts";
import { BatchObject } from "#edge/batches/batch-object.ts";
import { CacheObject } from "#edge/cache/cache-object.ts";
import { FleetObject } from "#edge/fleet/fleet-object.ts";
import { LedgerObject } from "#edge/ledger/ledger-object.ts";
import { WebhookObject } from "#edge/webhooks/webhook-object.ts";

/** What work cost: in the objects, and in D1. */
export interface Cost {
  /** Calls of objects in the order in which they came: `LedgerObject.hold`. */
  readonly calls: readonly string[];
  /** Rows written by who wrote them, an alarm as one and each index that changed as one: as the platform bills them. */
  readonly rows: Readonly<Record<string, number>>;
  /** Statements that wrote, with their rows: what there is to save. */
  readonly statements: readonly string[];
  /** Writes that something was sent behind, which the platform keeps back until they are durable: `LedgerObject.hold`. */
  readonly awaited: readonly string[];
}

const classes = {
  ...{ AnswerObject, LedgerObject, CacheObject, WebhookObject, BatchObject, FleetObject },
} as const;
type ClassName = keyof typeof classes;

/** What the platform tells of a statement. */
interface Cursor {
  readonly rowsWritten: number;
  toArray(): unknown[];
}

type Method = (this: object, ...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

/** Counts what the objects of one account, those of the cache, and D1 do, in the one isolate of all tests, from `start` to `stop`. */
export class CostMeter {
  readonly #accountId: string;
  readonly #calls: string[] = [];
  readonly #awaited: string[] = [];
  readonly #statements: string[] = [];
  readonly #rows = new Map<string, number>();
  /** Whose a part of an object is; null: another account's, which other files' tests have. */
  readonly #owners = new WeakMap<object, ClassName | null>();
  readonly #isDirty = new Set<ClassName>();
  readonly #undo: (() => void)[] = [];

  private constructor(accountId: string) {
    this.#accountId = accountId;
  }

  static async start(accountId: string): Promise<CostMeter> {
    const meter = new CostMeter(accountId);
    for (const [name, { prototype }] of Object.entries(classes))
      meter.#watchCalls(name as ClassName, prototype as unknown as Methods);
    await runInDurableObject(env.LEDGER.getByName("acc_test"), (_, { storage }) => {
      meter.#watchSql(prototypeOf(storage.sql));
      for (const method of ["setAlarm", "deleteAlarm"])
        meter.#watchWrite(prototypeOf(storage), method, (self) => self);
      for (const method of ["put", "delete"])
        meter.#watchWrite(prototypeOf(storage.kv), method, (self) => self);
    });
    meter.#watchD1();
    return meter;
  }

  /** Something leaves this object: it waits for what the object has written. */
  leaves(name: ClassName, what: string): void {
    if (this.#isDirty.delete(name)) this.#awaited.push(what);
  }

  cost(): Cost {
    return {
      calls: [...this.#calls],
      rows: Object.fromEntries(this.#rows),
      awaited: [...this.#awaited],
      statements: [...this.#statements],
    };
  }

  stop(): void {
    for (const undo of this.#undo) undo();
  }

  #watchCalls(name: ClassName, prototype: Methods): void {
    for (const method of Object.getOwnPropertyNames(prototype)) {
      if (method === "constructor") continue;
      this.#replace(prototype, method, (original) => {
        const meter = this;
        return async function (...args) {
          const { storage, id } = (this as { ctx: DurableObjectState }).ctx;
          const isWatched = meter.#isWatched(name, id);
          for (const part of [storage, storage.sql, storage.kv])
            meter.#owners.set(part, isWatched ? name : null);
          if (!isWatched) return await original.apply(this, args);
          const isCall = method !== "alarm";
          if (isCall) meter.#calls.push(`${name}.${method}`);
          // The ledger is called from an answer's object to settle it, and from a Worker for all else.
          if (name === "LedgerObject" && (method === "capture" || method === "release"))
            meter.leaves("AnswerObject", "AnswerObject → LedgerObject");
          const value = await original.apply(this, args);
          if (isCall) meter.leaves(name, `${name}.${method}`);
          return value;
        };
      });
    }
  }

  #isWatched(name: ClassName, { name: object = "" }: DurableObjectId): boolean {
    // Objects of the cache are named by what was asked.
    // The fleet's are everybody's: no answer calls one.
    if (name === "FleetObject") return true;
    return name === "CacheObject" || object.split("/")[0] === this.#accountId;
  }

  #watchSql(prototype: Methods): void {
    this.#replace(prototype, "exec", (original) => {
      const meter = this;
      return function (...args) {
        const cursor = original.apply(this, args) as Cursor;
        const rows = cursor.toArray();
        meter.#wrote(this, cursor.rowsWritten, String(args[0]));
        return { toArray: () => rows, one: () => rows[0] };
      };
    });
  }

  #watchWrite(prototype: Methods, method: string, part: (self: object) => object): void {
    this.#replace(prototype, method, (original) => {
      const meter = this;
      return function (...args) {
        meter.#wrote(part(this), 1, method);
        return original.apply(this, args);
      };
    });
  }

  #watchD1(): void {
    const database = prototypeOf(env.DB);
    const count = (results: unknown): void => {
      for (const { meta } of [results].flat() as D1Result[]) this.#add("D1", meta.rows_written);
    };
    this.#replace(database, "batch", (original) => {
      return async function (...args) {
        const results = await original.apply(this, args);
        count(results);
        return results;
      };
    });
    this.#replace(prototypeOf(env.DB.prepare("SELECT 1")), "run", (original) => {
      return async function (...args) {
        const result = await original.apply(this, args);
        count(result);
        return result;
      };
    });
  }

  #wrote(part: object, rows: number, what: string): void {
    if (rows === 0) return;
    const name = this.#owners.get(part);
    if (name === null) return;
    if (name !== undefined) this.#isDirty.add(name);
    this.#add(name ?? "other", rows);
    this.#statements.push(`${rows} ${name ?? "other"} ${what.replace(/\s+/g, " ").slice(0, 90)}`);
  }

  #add(who: string, rows: number): void {
    this.#rows.set(who, (this.#rows.get(who) ?? 0) + rows);
  }

  #replace(owner: Methods, name: string, replacement: (original: Method) => Method): void {
    const original = owner[name];
    if (original === undefined) throw new Error(`there is no ${name}`);
    owner[name] = replacement(original);
    this.#undo.push(() => {
      owner[name] = original;
    });
  }
}

function prototypeOf(value: object): Methods {
  return Object.getPrototypeOf(value) as Methods;
}
