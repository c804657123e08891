import { answerJson, type ReadField, type SingleReading } from "./field-reading.ts";
import type { JudgedAnswer } from "./trust.ts";

/**
 * Judges fields as an answer, whole or as far as they are known: its text is their values as JSON, and it is as likely right as its
 * fields are on average, by the geometric mean of what each was read with. It counts as none where its pictures are not of the model's
 * world, or where every one of its fields abstained.
 */
export function judgeFields(
  fields: readonly ReadField[],
  domainScore: number | undefined,
): JudgedAnswer {
  const answer = { answer: answerJson(fields), tokens: [], fields };
  const scored = domainScore === undefined ? answer : { ...answer, domainScore };
  if (domainScore !== undefined && domainScore < 0)
    return { ...scored, confidence: 0, abstention: "out_of_domain" };
  const sure = fields.flatMap(likelihoodsOf);
  const logs = sure.reduce((sum, probability) => sum + Math.log(probability), 0);
  const confidence = sure.length === 0 ? 0 : Math.exp(logs / sure.length);
  const hasAbstained = fields.every(
    ({ reading }) => reading.kind === "closed" && reading.abstained,
  );
  return hasAbstained
    ? { ...scored, confidence, abstention: "low_confidence" }
    : { ...scored, confidence };
}

/** How likely a field is what it was read as: one number for it, of a list one for its count and for each item; none where it is not known. */
function likelihoodsOf({ reading }: ReadField): number[] {
  if (reading.kind === "unfinished") return [];
  if (reading.kind === "list")
    return [Math.max(...reading.counts), ...reading.items.map(likelihoodOf)];
  return [likelihoodOf(reading)];
}

function likelihoodOf(reading: SingleReading): number {
  if (reading.kind === "open")
    return reading.value === null ? (reading.pNone ?? 1) : (reading.probability ?? 1);
  const { probabilities, pNone } = reading;
  return Math.max(pNone ?? 0, ...probabilities.map(({ probability }) => probability));
}
