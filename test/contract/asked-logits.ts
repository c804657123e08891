import { expect, test } from "vitest";
import type { AskedLogits, Engine, ForwardPass, Predictions } from "#model/engine.ts";

const patient = new AbortController().signal;

/** The rules of `Engine` for what is asked of the head by name or rank. Part of `engineContract`. */
export function askedLogitsContract(opened: () => Engine): void {
  test.each([6, 70])(
    "each logit that is asked for, of %i rows, is the one that noise brings out, bit for bit, and asking changes nothing else",
    async (size) => {
      const engine = opened();
      const pass = { ...(await passOf(engine, size)), suppressed: [41] };
      const plain = await engine.denoise(pass, patient);
      const columns = sampledColumns(engine);
      const tokens = pass.rows.map((_, row) => columns[row % columns.length]!);
      const expected = await broughtOut(engine, pass, tokens);
      const { askedLogits, ...rest } = await engine.denoise(
        { ...pass, asked: askedPairs(pass.rows.map((_, row) => [row, tokens[row]!]).toReversed()) },
        patient,
      );
      expect(askedLogits?.toReversed()).toEqual(expected);
      expect(rest).toEqual(plain);
    },
  );

  test("a suppressed column's logit is −∞, and nothing asked is nothing told", async () => {
    const engine = opened();
    const pass = await passOf(engine, 6);
    const asked = askedPairs([[2, 41]]);
    const { askedLogits } = await engine.denoise({ ...pass, suppressed: [41], asked }, patient);
    expect(askedLogits).toEqual(Float32Array.of(Number.NEGATIVE_INFINITY));
    const none = await engine.denoise({ ...pass, asked: askedPairs([]) }, patient);
    expect(none.askedLogits).toEqual(new Float32Array(0));
    expect(await engine.denoise(pass, patient)).not.toHaveProperty("askedLogits");
  });

  test.each([1, 4, 9])("the %i likeliest of each row are those of all columns", async (best) => {
    const engine = opened();
    const pass = { ...(await passOf(engine, 6)), suppressed: [3, 41] };
    const plain = await engine.denoise(pass, patient);
    const all = await allLogits(engine, pass);
    const { best: found, ...rest } = await engine.denoise({ ...pass, best }, patient);
    expect(rest).toEqual(plain);
    expect(found?.count).toBe(best);
    for (const [row, logits] of all.entries()) {
      const ranked = [...logits.keys()].toSorted((a, b) => logits[b]! - logits[a]! || a - b);
      const span = [row * best, (row + 1) * best] as const;
      expect([...(found?.tokensRN.subarray(...span) ?? [])]).toEqual(ranked.slice(0, best));
      expect([...(found?.logitsRN.subarray(...span) ?? [])]).toEqual(
        ranked.slice(0, best).map((column) => logits[column]),
      );
    }
  });

  test("of fewer columns than are asked for the rest are −∞, and the likeliest come first", async () => {
    const engine = opened();
    const pass = await passOf(engine, 6);
    const classes = { columns: [{ only: [40, 20] }], ofRows: [0, 0, 0, 0, 0, 0] };
    const { best, tokens } = await engine.denoise({ ...pass, classes, best: 4 }, patient);
    for (const row of pass.rows.keys()) {
      expect(best?.tokensRN[4 * row]).toBe(tokens[row]);
      expect(new Set(best?.tokensRN.subarray(4 * row, 4 * row + 2))).toEqual(new Set([20, 40]));
      expect([...(best?.logitsRN.subarray(4 * row + 2, 4 * row + 4) ?? [])]).toEqual([
        Number.NEGATIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
      ]);
    }
  });

  test("rows of a class choose among its columns and are measured by them; the others are as they were, bit for bit", async () => {
    const engine = opened();
    const pass = { ...(await passOf(engine, 6)), suppressed: [3] };
    const plain = await engine.denoise(pass, patient);
    const all = await allLogits(engine, pass);
    const only = [3, 10, 20, 40];
    const not = [7, plain.tokens[4]!];
    const classes = { columns: [{ not: [] }, { only }, { not }], ofRows: [0, 1, 0, 0, 2, 1] };
    const found = await engine.denoise({ ...pass, classes }, patient);
    for (const [row, logits] of all.entries()) {
      const kind = classes.ofRows[row];
      const left = [...logits.keys()].filter(
        (column) => kind === 0 || (kind === 1 ? only.includes(column) : !not.includes(column)),
      );
      const token = left.reduce((a, b) => (logits[b]! > logits[a]! ? b : a));
      expect(found.tokens[row]).toBe(token);
      expect(found.maxLogits[row]).toBe(logits[token]);
      const tail = left
        .filter((column) => column !== token)
        .reduce((sum, column) => sum + Math.exp(logits[column]! - logits[token]!), 0);
      expect(Math.abs(found.tails[row]! / tail - 1)).toBeLessThan(1e-5);
      if (kind === 0) expect(numbersOf(found, row)).toEqual(numbersOf(plain, row));
    }
  });

  test("noise decides the choice, and neither what is asked nor what is likeliest", async () => {
    const engine = opened();
    const { logitsColumns } = engine.architecture;
    const pass = await passOf(engine, 6);
    const asking = { ...pass, best: 2, asked: askedPairs([[5, 20]]) };
    const plain = await engine.denoise(asking, patient);
    const noiseRV = new Float32Array(6 * logitsColumns);
    for (const row of pass.rows.keys()) noiseRV[row * logitsColumns + 20] = 1e4;
    const noised = await engine.denoise({ ...asking, noiseRV }, patient);
    expect([...noised.tokens]).toEqual(pass.rows.map(() => 20));
    expect(noised.best).toEqual(plain.best);
    expect(noised.askedLogits).toEqual(plain.askedLogits);
  });
}

async function passOf(engine: Engine, size: number): Promise<ForwardPass> {
  const ids = Array.from({ length: size }, (_, index) => 6 + ((index * 13) % 60));
  const embeddingsSD = await engine.embedTokens(ids, patient);
  return { embeddingsSD, rows: ids.map((_, row) => row), suppressed: [] };
}

function askedPairs(pairs: readonly (readonly number[])[]): AskedLogits {
  return {
    rows: Int32Array.from(pairs, ([row = -1]) => row),
    tokens: Int32Array.from(pairs, ([, token = -1]) => token),
  };
}

/** The first, the last, a suppressed one and some between. */
function sampledColumns({ architecture: { logitsColumns } }: Engine): readonly number[] {
  return [0, 41, logitsColumns - 1, 8, 17, 33, 52];
}

/** Brute force, which needs nothing of what is tested: so much noise on one token of each row that it is chosen, and its logit told. */
async function broughtOut(
  engine: Engine,
  pass: ForwardPass,
  tokens: readonly number[],
): Promise<Float32Array> {
  const { logitsColumns } = engine.architecture;
  const noiseRV = new Float32Array(pass.rows.length * logitsColumns);
  for (const [row, token] of tokens.entries()) noiseRV[row * logitsColumns + token] = 1e6;
  const { chosenLogits, tokens: chosen } = await engine.denoise({ ...pass, noiseRV }, patient);
  return chosenLogits.map((logit, row) =>
    chosen[row] === tokens[row] ? logit : Number.NEGATIVE_INFINITY,
  );
}

/** All logits [V] of each row, after suppression. */
async function allLogits(engine: Engine, pass: ForwardPass): Promise<readonly Float32Array[]> {
  const { logitsColumns } = engine.architecture;
  const pairs = pass.rows.flatMap((_, row) =>
    Array.from({ length: logitsColumns }, (_, column) => [row, column]),
  );
  const { askedLogits } = await engine.denoise({ ...pass, asked: askedPairs(pairs) }, patient);
  return pass.rows.map(
    (_, row) =>
      askedLogits?.slice(row * logitsColumns, (row + 1) * logitsColumns) ?? new Float32Array(),
  );
}

function numbersOf(found: Predictions, row: number): readonly (number | undefined)[] {
  const { tokens, chosenLogits, maxLogits, runnerUpLogits, tails, slopes } = found;
  return [tokens, chosenLogits, maxLogits, runnerUpLogits, tails, slopes].map((all) => all[row]);
}
