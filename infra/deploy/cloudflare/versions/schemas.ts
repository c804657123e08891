import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { answerMigrations } from "#edge/answers/storage/answer-schema.ts";
import { batchMigrations } from "#edge/batches/storage/batch-schema.ts";
import { ledgerMigrations } from "#edge/ledger/storage/ledger-schema.ts";
import type { Migration } from "#edge/storage/migrations.ts";
import { webhookMigrations } from "#edge/webhooks/storage/webhook-schema.ts";

/** How new the tables are that a version writes: how many migrations it knows, and which of them is the last that older code cannot work with. */
export interface SchemaSays {
  readonly known: number;
  /** 0: none. */
  readonly breaking: number;
}

/** By owner: `d1`, the objects, and `class`, the migrations of object classes, across which Cloudflare rolls nothing back. */
export type Schemas = ReadonlyMap<string, SchemaSays>;

/** Of the code that lies here. `classes`: how many object migrations wrangler.toml has. */
export function schemasHere(migrationsFolder: string, classes: number): Schemas {
  const files = d1Migrations(migrationsFolder);
  const texts = files.map((file) => readFileSync(path.join(migrationsFolder, file), "utf8"));
  return new Map([
    ["d1", { known: files.length, breaking: texts.findLastIndex(isBreaking) + 1 }],
    ["ledger", saysOf(ledgerMigrations)],
    ["answers", saysOf(answerMigrations)],
    ["batches", saysOf(batchMigrations)],
    ["webhooks", saysOf(webhookMigrations)],
    ["class", { known: classes, breaking: classes }],
  ]);
}

/** Files of D1's migrations in their order. */
export function d1Migrations(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}

function saysOf(migrations: readonly Migration[]): SchemaSays {
  const breaking = migrations.findLastIndex(({ kind }) => kind === "breaking") + 1;
  return { known: migrations.length, breaking };
}

/** What code of before works with as well as before: tables, indexes and triggers are made, columns added that are nullable or have a default. */
const ADDITIVE =
  /^(?:CREATE (?:TABLE|(?:UNIQUE )?INDEX|TRIGGER)\b|ALTER TABLE \w+ ADD COLUMN (?!.*\bNOT NULL\b(?!.*\bDEFAULT\b)))/is;

/** Whether a migration of D1 does anything that an older Worker, which does not look at D1's version, would trip over. */
export function isBreaking(sql: string): boolean {
  const bare = sql.replaceAll(/--.*$/gm, "").replaceAll(/\bBEGIN\b[\s\S]*?\bEND\b/gi, "");
  const statements = bare.split(";").map((text) => text.trim());
  // What it fills is its own: no code of before knows of it.
  const made = statements.flatMap((text) => /^CREATE TABLE (\w+)/i.exec(text)?.[1] ?? []);
  const isFilled = (text: string): boolean =>
    made.includes(/^INSERT INTO (\w+)/i.exec(text)?.[1] ?? "");
  // A trigger that is made anew at once; what it refuses may change, what code of before writes may not.
  const triggers = statements.flatMap((text) => /^CREATE TRIGGER (\w+)/i.exec(text)?.[1] ?? []);
  const isReplaced = (text: string): boolean =>
    triggers.includes(/^DROP TRIGGER (\w+)$/i.exec(text)?.[1] ?? "");
  return statements.some(
    (text) => text !== "" && !ADDITIVE.test(text) && !isFilled(text) && !isReplaced(text),
  );
}

/** Writes them for a version's message, which has room for 100 characters. */
export function schemaText(schemas: Schemas): string {
  return [...schemas]
    .map(([owner, { known, breaking }]) => `${owner}=${known}/${breaking}`)
    .join(" ");
}

/** Reads them out of a version's message; null where whoever deployed it was not this command. */
export function readSchemas(message: string): Schemas | null {
  const found = [...message.matchAll(/\b([a-z0-9]+)=(\d+)\/(\d+)\b/g)].map(
    ([, owner = "", known, breaking]): [string, SchemaSays] => [
      owner,
      { known: Number(known), breaking: Number(breaking) },
    ],
  );
  return found.length === 0 ? null : new Map(found);
}

/** Why code with schemas `to` cannot stand on what code with schemas `from` has left; empty where it can. */
export function beyond(from: Schemas, to: Schemas): readonly string[] {
  return [...from].flatMap(([owner, { breaking }]) => {
    const known = to.get(owner)?.known ?? 0;
    if (breaking <= known) return [];
    if (owner === "class")
      return [
        `it knows ${known} of ${breaking} migrations of object classes, which Cloudflare rolls nothing back across`,
      ];
    const what = owner === "d1" ? "D1's tables" : `the objects of ${owner}`;
    return [`${what} are at ${breaking}, which older code cannot work with; it knows ${known}`];
  });
}
