import { describe, expect, test } from "vitest";
import { micros, ZERO } from "#domain/micros.ts";
import { settle } from "#edge/answers/making/payment.ts";
import { standardKeeping, storedAnswer } from "#edge/answers/storage/stored-answers.ts";
import type { Capture } from "#edge/ledger/ledger-service.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";

// The description's own example is an answer that ended.
const ended = answerSchema.parse(answerSchema.meta()?.["example"]);

/** A ledger that captures what it is told, and notes it. */
function ledgerDouble() {
  const captures: Capture[] = [];
  const releases: string[] = [];
  return {
    ...{ captures, releases },
    capture: async (capture: Capture) => {
      captures.push(capture);
      return { charged: capture.charge, called: [], isListed: capture.listed !== undefined };
    },
    release: async (id: string) => {
      releases.push(id);
      return { called: [] };
    },
  };
}

async function captured(fields: Partial<AnswerBody>, isRepeatable = false): Promise<Capture> {
  const ledger = ledgerDouble();
  await settle({ ...ended, ...fields }, { isRepeatable, keeping: standardKeeping }, ledger);
  const [capture] = ledger.captures;
  if (capture === undefined) throw new Error("nothing was captured");
  return capture;
}

describe("an ended answer is settled", () => {
  test("with its charge and its steps, and how it ended, for the list that learns of it with the usage", async () => {
    const at = { created_at: "2026-01-02T03:04:05.000Z", ended_at: "2026-01-02T03:04:06.500Z" };
    for (const status of ["completed", "partial", "cancelled"] as const)
      expect(await captured({ ...at, status, charged_micros: 7 })).toMatchObject({
        ...{ holdId: ended.id, charge: micros(7), steps: ended.usage.steps },
        listed: {
          status,
          created_at: Date.parse(at.created_at),
          ended_at: Date.parse(at.ended_at),
        },
      });
  });

  test("with no steps where another answer ran them", async () => {
    expect(await captured({ charged_micros: 3, cached: true })).toMatchObject({ steps: 0 });
  });

  test("with its reply only where a retry under its Idempotency-Key is to get it", async () => {
    expect((await captured({}, true)).reply).toBe(storedAnswer.write(ended));
    expect((await captured({}, false)).reply).toBeNull();
  });

  test("by giving its hold back where it costs nothing, except a completed one: that was answered", async () => {
    for (const status of ["failed", "partial", "cancelled"] as const) {
      const ledger = ledgerDouble();
      const body = { ...ended, status, charged_micros: 0 };
      expect(
        await settle(body, { isRepeatable: true, keeping: standardKeeping }, ledger),
      ).toMatchObject({ charged: ZERO, isListed: false });
      expect([ledger.releases, ledger.captures]).toEqual([[ended.id], []]);
    }
    expect(await captured({ charged_micros: 0 })).toMatchObject({ charge: ZERO });
  });
});
