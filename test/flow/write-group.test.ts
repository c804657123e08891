import { describe, expect, test } from "vitest";
import { WriteGroup } from "#edge/ledger/write-group.ts";

/** A group whose pauses end when the test says so. */
function opened(): { group: WriteGroup; pauses: PromiseWithResolvers<void>[] } {
  const pauses: PromiseWithResolvers<void>[] = [];
  const group = new WriteGroup(() => {
    const pause = Promise.withResolvers<void>();
    pauses.push(pause);
    return pause.promise;
  });
  return { group, pauses };
}

describe("transactions of an account", () => {
  test("an answer that is alone waits for nobody, one after another neither", async () => {
    const { group, pauses } = opened();
    for (const id of ["a", "b", "c"]) {
      await group.join(id, "hold");
      await group.join(id, "capture");
    }
    expect(pauses).toHaveLength(0);
  });

  test("of answers that are under way together are made together, in the order of calling", async () => {
    const { group, pauses } = opened();
    await group.join("a", "hold");
    const made: string[] = [];
    const joined = [
      group.join("b", "hold").then(() => made.push("b")),
      group.join("a", "capture").then(() => made.push("a")),
      group.join("c", "hold").then(() => made.push("c")),
    ];
    expect([pauses.length, made]).toEqual([1, []]);
    pauses[0]?.resolve();
    await Promise.all(joined);
    expect(made).toEqual(["b", "a", "c"]);
  });

  test("do not wait for answers that were given up, or whose end nobody told", async () => {
    const { group, pauses } = opened();
    await group.join("a", "hold");
    group.leave("a");
    await group.join("b", "hold");
    group.forget();
    await group.join("c", "hold");
    expect(pauses).toHaveLength(0);
  });
});
