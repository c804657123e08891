/** Right answers of which an answer needs to match so many to be wholly right. Source: Antol et al. 2015, arXiv:1505.00468, section 3. */
const MATCHES = 3;

/**
 * VQA accuracy, 0 … 1: with ten people's answers, the mean over leaving out each of them of min(matches among the others / 3, 1).
 * Of fewer than four answers any match is right: of so few, three matches say nothing.
 *
 * Source: visualqa.org/evaluation and its `vqaEval.py`. Unlike there, contractions are compared without their apostrophe, where
 * the original puts missing ones in from a list.
 */
export function vqaAccuracy(answer: string, expected: readonly string[]): number {
  const given = vqaNormalised(answer);
  const wanted = expected.map(vqaNormalised);
  const matches = wanted.filter((one) => one === given).length;
  if (wanted.length <= MATCHES) return matches > 0 ? 1 : 0;
  // Whoever gave that answer too is one match fewer once left out.
  const without = (left: number): number => Math.min(1, left / MATCHES);
  const sum = matches * without(matches - 1) + (wanted.length - matches) * without(matches);
  return sum / wanted.length;
}

/** Marks that are taken out where they stand at a space, or the text has a number with separated thousands, and become a space elsewhere. */
const MARKS: readonly string[] = [...';/[]"{}()=+\\_-><@`,?!'];

const ARTICLES: ReadonlySet<string> = new Set(["a", "an", "the"]);

const NUMBERS: ReadonlyMap<string, string> = new Map([
  ["none", "0"],
  ...["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"].map(
    (word, number) => [word, String(number)] as const,
  ),
]);

/** What VQA compares: lower case without marks and articles, numbers as digits. Source: `processPunctuation` and `processDigitArticle` of `vqaEval.py`. */
export function vqaNormalised(text: string): string {
  const line = text.normalize("NFC").replace(/\s+/gu, " ").trim();
  const hasThousands = /\d,\d/.test(line);
  let marked = line;
  for (const mark of MARKS) {
    const isLoose = line.includes(`${mark} `) || line.includes(` ${mark}`) || hasThousands;
    marked = marked.replaceAll(mark, isLoose ? "" : " ");
  }
  return marked
    .replace(/\.(?!\d)/g, "")
    .toLowerCase()
    .replace(/['’]/g, "")
    .split(" ")
    .filter((word) => word !== "" && !ARTICLES.has(word))
    .map((word) => NUMBERS.get(word) ?? word)
    .join(" ");
}
