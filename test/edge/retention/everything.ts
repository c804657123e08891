import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { encodeBase64 } from "#wire/codec/base64.ts";

/** Namespaces of all objects, by the name of their class as the page on privacy has it. */
const namespaces = {
  AnswerObject: env.ANSWERS,
  BatchObject: env.BATCHES,
  CacheObject: env.CACHE,
  LedgerObject: env.LEDGER,
  RetentionObject: env.KEEPERS,
  WebhookObject: env.WEBHOOKS,
} as unknown as Readonly<Record<string, DurableObjectNamespace<Rpc.DurableObjectBranded>>>;

/** Something that is kept, and where. */
interface Kept {
  /** `AnswerObject.answer`, `D1.usage`, `R2.IMAGES/…`. */
  readonly store: string;
  readonly text: string;
}

/** Every row of every table of every object, their keys and values, every row of D1, and every file of the pictures' bucket with what is said of it. */
export async function everythingKept(): Promise<readonly Kept[]> {
  const objects = await Promise.all(
    Object.entries(namespaces).map(async ([name, namespace]) => {
      const ids = await listDurableObjectIds(namespace);
      const kept = await Promise.all(ids.map((id) => keptIn(name, namespace.get(id))));
      return kept.flat();
    }),
  );
  return [...objects.flat(), ...(await keptInD1()), ...(await keptInBucket())];
}

/** Where any of these texts is kept, in whatever form: as it is, within JSON, or within base64. */
export async function storesWith(...texts: readonly string[]): Promise<readonly string[]> {
  const needles = texts.flatMap(formsOf);
  const kept = await everythingKept();
  return [
    ...new Set(
      kept
        .filter((one) => needles.some((needle) => one.text.includes(needle)))
        .map(({ store }) => store),
    ),
  ].sort();
}

/** Waits until it holds: other files' objects are looked through too, on a machine that may be busy. */
export async function eventually(expectation: () => Promise<void>): Promise<void> {
  await vi.waitFor(expectation, { timeout: 20_000, interval: 250 });
}

/** The text, and what base64 makes of it behind none, one and two bytes, without the digits that depend on its neighbours. */
export function formsOf(text: string): readonly string[] {
  const bytes = new TextEncoder().encode(text);
  const encoded = [0, 1, 2].map((before) => {
    const shifted = new Uint8Array(before + bytes.length);
    shifted.set(bytes, before);
    return encodeBase64(shifted).slice(4, -4);
  });
  return [text, ...encoded];
}

async function keptIn(
  name: string,
  object: DurableObjectStub<Rpc.DurableObjectBranded>,
): Promise<readonly Kept[]> {
  return await runInDurableObject(object, (_, { storage }) => {
    const pairs = [...storage.kv.list()].map(([key, value]) => ({
      store: `${name}.${key}`,
      text: JSON.stringify(value) ?? "",
    }));
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .filter((table) => !table.name.startsWith("_cf_"));
    const rows = tables.flatMap((table) =>
      storage.sql
        .exec(`SELECT * FROM ${table.name}`)
        .toArray()
        .map((row) => ({ store: `${name}.${table.name}`, text: textOf(row) })),
    );
    return [...pairs, ...rows];
  });
}

async function keptInD1(): Promise<readonly Kept[]> {
  const rows = await Promise.all(
    (await tablesOfD1()).map(async (table) => {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      return results.map((row) => ({ store: `D1.${table}`, text: textOf(row) }));
    }),
  );
  return rows.flat();
}

/** Tables of D1 that are ours. */
export async function tablesOfD1(): Promise<readonly string[]> {
  const { results } = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table'",
  ).all<{ name: string }>();
  return results
    .map(({ name }) => name)
    .filter((name) => !/^(?:_cf_|sqlite_|d1_migrations)/.test(name));
}

async function keptInBucket(): Promise<readonly Kept[]> {
  const { objects } = await env.IMAGES.list({ include: ["customMetadata", "httpMetadata"] });
  return await Promise.all(
    objects.map(async ({ key, customMetadata, httpMetadata }) => {
      const file = await env.IMAGES.get(key);
      const bytes = new Uint8Array((await file?.arrayBuffer()) ?? new ArrayBuffer());
      const told = JSON.stringify([key, customMetadata, httpMetadata]);
      return { store: `R2.IMAGES/${key}`, text: `${told}${latin1(bytes)}` };
    }),
  );
}

function textOf(row: object): string {
  return Object.values(row)
    .map((value) => (value instanceof ArrayBuffer ? latin1(new Uint8Array(value)) : String(value)))
    .join("\n");
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
