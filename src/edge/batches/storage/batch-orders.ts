import { partsOf, questionText, readQuestion } from "../../answers/storage/stored-question.ts";
import { migrate } from "../../storage/migrations.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import { batchMigrations } from "./batch-schema.ts";
import { type ItemOrder, storedItemTerms } from "./stored-batches.ts";

/** The questions of a batch, kept until their items have ended. */
export interface BatchOrders {
  keep(index: number, order: ItemOrder): void;
  /** Throws where there is none: an item without its question is a bug. */
  read(index: number): ItemOrder;
  forget(index: number): void;
  forgetAll(): void;
}

/** Opens the questions in a batch's store. */
export function openBatchOrders(store: SqlStore): BatchOrders {
  migrate(store, "a batch", batchMigrations);
  return {
    keep: (index, order) =>
      store.transaction(() => {
        for (const [part, text] of partsOf(encodeOrder(order)).entries())
          store.all(
            "INSERT OR REPLACE INTO orders (place, part, text) VALUES (?, ?, ?)",
            index,
            part,
            text,
          );
      }),
    read(index) {
      const parts = store.all<{ text: string }>(
        "SELECT text FROM orders WHERE place = ? ORDER BY part",
        index,
      );
      if (parts.length === 0) throw new Error(`item ${index} has no order`);
      return decodeOrder(parts.map(({ text }) => text).join(""));
    },
    forget: (index) => void store.all("DELETE FROM orders WHERE place = ?", index),
    forgetAll: () => void store.all("DELETE FROM orders"),
  };
}

/** Two lines of JSON: everything but the question, then the question as the function gets it. */
function encodeOrder({ job, ...rest }: ItemOrder): string {
  const { question, ...terms } = job;
  const head = storedItemTerms.write({ ...rest, terms });
  return `${head}\n${questionText(question)}`;
}

function decodeOrder(text: string): ItemOrder {
  const end = text.indexOf("\n");
  const { terms, ...rest } = storedItemTerms.read(text.slice(0, end));
  return { ...rest, job: { ...terms, question: readQuestion(text.slice(end + 1)) } };
}
