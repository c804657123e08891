import { readFileSync } from "node:fs";
import path from "node:path";

/** The held-out scenes of the demo models: test/fixtures/demo-eval/README.md. */
export const SCENES_FOLDER = "test/fixtures/demo-eval";

/** A question of the set with what the scene was made of. */
export interface SceneQuestion {
  readonly family: string;
  readonly question: string;
  readonly answer: string;
}

/** What is known of a scene. */
export interface Scene {
  /** File of its picture, which names it. */
  readonly picture: string;
  readonly count: number;
  /** What stands in it, each with its article: "an owl"; absent where no question tells all of it. */
  readonly things?: readonly string[];
  readonly background?: string;
  readonly questions: readonly SceneQuestion[];
}

interface Line {
  readonly image: string;
  readonly question?: string;
  readonly answer: string;
  readonly family: string;
  readonly objects: number;
}

/** Reads the scenes in order. What is in one is told by the right answers to questions about it. */
export function readScenes(): readonly Scene[] {
  const lines = readFileSync(path.join(SCENES_FOLDER, "questions.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  return [...Map.groupBy(lines, ({ image }) => image)].map(([picture, asked]) => {
    const questions = asked.flatMap(({ question, answer, family }) =>
      question === undefined ? [] : [{ family, question, answer }],
    );
    const count = asked[0]?.objects ?? 0;
    const things = count === 0 ? [] : thingsOf(questions);
    const background = backgroundOf(questions);
    return {
      ...{ picture, count, questions },
      ...(things === undefined ? {} : { things }),
      ...(background === undefined ? {} : { background }),
    };
  });
}

const answerOf = (questions: readonly SceneQuestion[], family: string): string | undefined =>
  questions.find((one) => one.family === family)?.answer;

/** "A dog, a fish and a key." and "A dog on the left and a key on the right, on a red background." */
function thingsOf(questions: readonly SceneQuestion[]): readonly string[] | undefined {
  const told = answerOf(questions, "what") ?? answerOf(questions, "describe");
  return told
    ?.replace(/,? on an? [a-z]+ background/, "")
    .replace(/\.$/, "")
    .split(/, | and /)
    .map((thing) => thing.replace(/ (?:on|at) the .*$/, "").trim())
    .map((thing) => thing.charAt(0).toLowerCase() + thing.slice(1));
}

function backgroundOf(questions: readonly SceneQuestion[]): string | undefined {
  const described = /on an? ([a-z]+) background/.exec(answerOf(questions, "describe") ?? "")?.[1];
  return described ?? answerOf(questions, "bg")?.toLowerCase().replace(".", "");
}

/** Each thing of the photographs' model with its kind: "a dog" is an "animal". */
export function thingKinds(): ReadonlyMap<string, string> {
  const file = "infra/demo-model/photographs/concepts.json";
  const { concepts } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly concepts: readonly { readonly phrase: string; readonly kind: string }[];
  };
  return new Map(concepts.map(({ phrase, kind }) => [phrase, kind]));
}
