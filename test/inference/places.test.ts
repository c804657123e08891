import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPlaces, type Places } from "#inference/fetch/places.ts";

const forever = new AbortController().signal;

async function entered(places: Places, accountId: string): Promise<() => void> {
  const place = await places.enter(accountId, forever);
  if (!place.ok) throw new Error(place.refusal.kind);
  return place.value;
}

describe("places", () => {
  test("go to one account as far as it leaves as many free; the next has half of the rest", async () => {
    const places = createPlaces({ places: 32, waiting: 0 });
    const counts: number[] = [];
    for (const account of ["a", "b", "c", "d", "e", "f"]) {
      let count = 0;
      while ((await places.enter(account, forever)).ok) count += 1;
      counts.push(count);
    }
    expect(counts).toEqual([16, 8, 4, 2, 1, 1]);
    expect(await places.enter("g", forever)).toMatchObject({ refusal: { kind: "overloaded" } });
  });

  test("are waited for, and go first to the account that holds the fewest", async () => {
    const places = createPlaces({ places: 2, waiting: 8 });
    const leave = [await entered(places, "a"), await entered(places, "b")];
    const order: string[] = [];
    const waiting = ["a", "a", "c"].map(async (account) => {
      const left = await entered(places, account);
      order.push(account);
      left();
    });
    await Promise.resolve();
    expect(places.load()).toEqual({ running: 2, waiting: 3 });
    leave[1]?.();
    leave[0]?.();
    await Promise.all(waiting);
    expect(order).toEqual(["c", "a", "a"]);
    expect(places.load()).toEqual({ running: 0, waiting: 0 });
  });

  test("are no longer waited for by who has left, and given back once however often it is said", async () => {
    const places = createPlaces({ places: 2, waiting: 8 });
    const leave = await entered(places, "a");
    await entered(places, "b");
    const caller = new AbortController();
    const waiting = places.enter("c", caller.signal);
    caller.abort();
    expect(await waiting).toMatchObject({ refusal: { kind: "overloaded" } });
    leave();
    leave();
    expect(places.load()).toEqual({ running: 1, waiting: 0 });
  });

  test("are given to nobody while they drain, who waits is sent away, and who runs ends", async () => {
    const places = createPlaces({ places: 2, waiting: 8 });
    const leave = [await entered(places, "a"), await entered(places, "b")];
    const waiting = places.enter("c", forever);
    let isDrained = false;
    const drained = places.drain().then(() => {
      isDrained = true;
    });
    expect(await waiting).toMatchObject({ refusal: { kind: "draining" } });
    expect(await places.enter("d", forever)).toMatchObject({ refusal: { kind: "draining" } });
    expect(isDrained).toBe(false);
    for (const left of leave) left();
    await drained;
  });

  test("hold whatever comes: never more than there are, never idle while somebody may have one, none lost", async () => {
    const event = fc.record({
      account: fc.constantFrom("a", "b", "c", "d"),
      kind: fc.constantFrom("enter", "enter", "leave", "abort"),
      which: fc.nat(50),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 80 }), async (events) => {
        const limits = { places: 8, waiting: 8 };
        const places = createPlaces(limits);
        const held: (() => void)[] = [];
        const callers: AbortController[] = [];
        let [asked, settled] = [0, 0];
        for (const { account, kind, which } of events) {
          if (kind === "enter") {
            const caller = new AbortController();
            callers.push(caller);
            asked += 1;
            void places.enter(account, caller.signal).then((place) => {
              settled += 1;
              if (place.ok) held.push(place.value);
            });
          } else if (kind === "leave") held.splice(which % Math.max(1, held.length), 1)[0]?.();
          else callers[which % Math.max(1, callers.length)]?.abort();
          await new Promise(setImmediate);
          const { running, waiting } = places.load();
          expect(running).toBe(held.length);
          expect(running).toBeLessThanOrEqual(limits.places);
          expect(settled + waiting).toBe(asked);
          if (running === 0) expect(waiting).toBe(0);
        }
        while (held.length > 0) {
          held.pop()?.();
          await new Promise(setImmediate);
        }
        expect([places.load(), settled]).toEqual([{ running: 0, waiting: 0 }, asked]);
      }),
      { numRuns: 60 },
    );
  });
});
