import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { SharedWork, type WorkMessage } from "#edge/answers/making/shared-work.ts";
import { story } from "../support/edge-builders.ts";

/** A follower and everything that it was told. */
interface Follower {
  readonly told: WorkMessage[];
  isOver: boolean;
}

function follow(work: SharedWork, name: string): Follower {
  const follower: Follower = { told: [], isOver: false };
  const listen = async (): Promise<void> => {
    for await (const message of work.follow(name)) follower.told.push(message);
    follower.isOver = true;
  };
  void listen();
  return follower;
}

/** Lets everybody hear what was said. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

type Happening = readonly ["tell" | "join" | "leave" | "leader leaves", number];

describe("one run and all who have a share in it", () => {
  test("goes on until the last has left, whoever leaves when, and has one heir at a time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            fc.constantFrom<Happening[0]>("tell", "join", "leave", "leader leaves"),
            fc.nat(3),
          ),
          { maxLength: 30 },
        ),
        async (happenings: readonly Happening[]) => {
          const onDeserted = vi.fn();
          const work = new SharedWork(onDeserted);
          work.taken("ab");
          const followers = new Map<number, Follower>();
          const all: Follower[] = [];
          let [isLed, next] = [true, 0];
          for (const [what, who] of happenings) {
            const event: AnswerEvent | undefined = story[next];
            if (what === "tell" && event !== undefined && onDeserted.mock.calls.length === 0) {
              work.tell(event);
              next += 1;
              if (next === story.length) work.over();
            }
            if (what === "join" && !followers.has(who) && onDeserted.mock.calls.length === 0) {
              const follower = follow(work, String(who));
              followers.set(who, follower);
              all.push(follower);
            }
            if (what === "leave") {
              work.leave(String(who));
              followers.delete(who);
            }
            if (what === "leader leaves" && isLed) {
              isLed = false;
              work.leaderLeft();
            }
            await settle();
            const isOver = next === story.length;
            if (isLed || followers.size > 0 || isOver)
              expect(onDeserted.mock.calls.length === 0 || !isLed).toBe(true);
            if (!isLed && followers.size === 0 && !isOver) expect(onDeserted).toHaveBeenCalled();
            const heirs = [...followers.values()].filter(({ told }) =>
              told.some(({ kind }) => kind === "heir"),
            );
            expect(heirs.length).toBeLessThanOrEqual(1);
            if (!isLed && followers.size > 0 && !isOver) expect(heirs.length).toBe(1);
          }
          // Nobody is told anything out of order, or twice.
          for (const { told } of all) {
            const events = told.filter(({ kind }) => kind !== "heir" && kind !== "taken");
            expect(events).toEqual(story.slice(0, events.length));
            if (told.length > 0) expect(told.some(({ kind }) => kind === "taken")).toBe(true);
          }
          // Who stayed to the end has heard it.
          if (next === story.length)
            for (const { told, isOver } of followers.values())
              expect([told.at(-1), isOver]).toEqual([story.at(-1), true]);
        },
      ),
      { numRuns: 300, seed: 9 },
    );
  });

  test("waits a moment for who only waited for its end to hold a price for it", async () => {
    vi.useFakeTimers();
    const onDeserted = vi.fn();
    const work = new SharedWork(onDeserted);
    void work.watch(() => new Promise(() => undefined));
    work.leaderLeft();
    expect(onDeserted).not.toHaveBeenCalled();
    const heir = follow(work, "heir");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(onDeserted).not.toHaveBeenCalled();
    expect(heir.told).toContainEqual({ kind: "heir" });
    work.leave("heir");
    vi.advanceTimersByTime(10_000);
    expect(onDeserted).toHaveBeenCalled();
    vi.useRealTimers();
  });
});
