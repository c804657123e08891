import {
  questionRow,
  readQuestion,
  readQuestionText,
} from "../../answers/storage/stored-question.ts";
import { migrate } from "../../storage/migrations.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import { batchMigrations } from "./batch-schema.ts";
import { type ItemOrder, type StoredItemOrder, storedItemTerms } from "./stored-batches.ts";

/** The questions of a batch, kept until their items have ended. */
export interface BatchOrders {
  keep(index: number, order: ItemOrder): void;
  /** Throws where there is none: an item without its question is a bug. */
  read(index: number): StoredItemOrder;
  forget(index: number): void;
  forgetAll(): void;
}

/** Opens the questions in a batch's store. */
export function openBatchOrders(store: SqlStore): BatchOrders {
  migrate(store, "a batch", batchMigrations);
  return {
    keep(index, { job, ...rest }) {
      const { question, ...terms } = job;
      const { head, inline, places } = questionRow(question);
      store.all(
        `INSERT OR REPLACE INTO item_orders (place, terms, head, inline, places)
           VALUES (?, ?, ?, ?, ?)`,
        [index, storedItemTerms.write({ ...rest, terms }), head, inline, places],
      );
    },
    read: (index) => readKept(store, index) ?? readText(store, index),
    forget: (index) =>
      store.transaction(() => {
        store.all("DELETE FROM item_orders WHERE place = ?", [index]);
        store.all("DELETE FROM orders WHERE place = ?", [index]);
      }),
    forgetAll: () =>
      store.transaction(() => {
        store.all("DELETE FROM item_orders");
        store.all("DELETE FROM orders");
      }),
  };
}

function readKept(store: SqlStore, index: number): StoredItemOrder | undefined {
  const [row] = store.all<{
    terms: string;
    head: ArrayBuffer;
    inline: ArrayBuffer;
    places: string;
  }>("SELECT terms, head, inline, places FROM item_orders WHERE place = ?", [index]);
  if (row === undefined) return undefined;
  const { terms, ...rest } = storedItemTerms.read(row.terms);
  return { ...rest, job: { ...terms, question: readQuestion(row) } };
}

/** As the version before kept it: two lines of JSON, everything but the question, then the question as the function got it. */
function readText(store: SqlStore, index: number): StoredItemOrder {
  const parts = store.all<{ text: string }>(
    "SELECT text FROM orders WHERE place = ? ORDER BY part",
    [index],
  );
  if (parts.length === 0) throw new Error(`item ${index} has no order`);
  const text = parts.map((part) => part.text).join("");
  const end = text.indexOf("\n");
  const { terms, ...rest } = storedItemTerms.read(text.slice(0, end));
  return { ...rest, job: { ...terms, question: readQuestionText(text.slice(end + 1)) } };
}
