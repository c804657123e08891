import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { type LedgerBook, openLedgerBook } from "#edge/ledger/ledger-repository.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const start = 1_790_000_000_000;

/** A book with 100 micro-dollars and the line at 80. */
function watched(): { book: LedgerBook; clock: { now: number } } {
  const clock = { now: start };
  const book = openLedgerBook(nodeStore(), () => clock.now);
  book.grant({ grantId: "g", amount: micros(100), note: "" });
  book.drawLine({ accountId: "acc_1", line: micros(80) });
  return { book, clock };
}

function take(book: LedgerBook, holdId: string, charge = 10): void {
  book.hold(holdRequest(holdId));
  book.capture({ holdId, charge: micros(charge), steps: 4, reply: null });
}

describe("the watch over credit", () => {
  test("tells once that it went below the line, not that it stands on it", () => {
    const { book } = watched();
    for (const id of ["a", "b"]) take(book, id);
    expect([book.balance().available, book.dueAlerts()]).toEqual([80n, []]);
    for (const id of ["c", "d"]) take(book, id);
    expect(book.dueAlerts()).toMatchObject([
      {
        ...{ type: "credit.low", accountId: "acc_1", at: start },
        data: { available_micros: 70, threshold_micros: 80 },
      },
    ]);
  });

  test("sees what is only held, and is not told again when that is given back and taken anew", () => {
    const { book } = watched();
    for (const id of ["a", "b", "c"]) book.hold(holdRequest(id));
    expect(book.dueAlerts()).toHaveLength(1);
    for (const id of ["a", "b", "c"]) book.release(id);
    for (const id of ["d", "e", "f"]) book.hold(holdRequest(id));
    expect(book.dueAlerts()).toHaveLength(1);
  });

  test("begins anew with a grant that lifts the credit to the line, and not with a smaller one", () => {
    const { book } = watched();
    for (const id of ["a", "b", "c", "d"]) take(book, id);
    book.grant({ grantId: "small", amount: micros(10), note: "" });
    take(book, "e");
    expect(book.dueAlerts()).toHaveLength(1);
    book.grant({ grantId: "large", amount: micros(25), note: "" });
    take(book, "f");
    const ids = book.dueAlerts().map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
  });

  test("tells under the same id until somebody took it, later each time", () => {
    const { book, clock } = watched();
    for (const id of ["a", "b", "c"]) take(book, id);
    const [first] = book.dueAlerts();
    const id = first?.id ?? "";
    const waits: number[] = [];
    for (let attempt = 0; attempt < 14; attempt += 1) {
      book.alertUntold(id);
      let waited = 0;
      for (; book.dueAlerts().length === 0; waited += 1000) clock.now += 1000;
      waits.push(waited / 1000);
    }
    expect(waits.slice(0, 4)).toEqual([2, 4, 8, 16]);
    expect(waits.at(-1)).toBe(3600);
    expect(book.dueAlerts()).toEqual([first]);
    book.alertTold(id);
    expect(book.dueAlerts()).toEqual([]);
  });

  test("is off where no line is drawn, and when it is taken away", () => {
    const { book } = watched();
    book.drawLine({ accountId: "acc_1", line: null });
    for (const id of ["a", "b", "c"]) take(book, id);
    expect(book.dueAlerts()).toEqual([]);
  });

  test("tells nothing of a hold that was refused", () => {
    const { book } = watched();
    book.drawLine({ accountId: "acc_1", line: micros(101) });
    book.hold(holdRequest("a", { amount: micros(1000) }));
    expect(book.dueAlerts()).toEqual([]);
  });

  test("is what the next alarm is for", () => {
    const { book } = watched();
    for (const id of ["a", "b", "c"]) take(book, id);
    book.sent(book.due(10).map(({ id }) => id));
    expect(book.nextDueAt()).toBe(start);
  });
});
