import type { NamedField, Option } from "#domain/fields.ts";
import { mulberry32, type UniformStream } from "#model/decode/noise.ts";
import { type Scene, type SceneQuestion, thingKinds } from "./scenes.ts";

/** A field whose value is known. */
export interface AskedField {
  readonly id: string;
  readonly scene: Scene;
  /** What is asked, for a table. */
  readonly task: Task;
  readonly named: NamedField;
  /** Index of the right option; as many as there are options: the picture does not show it, "none of these" is right. */
  readonly truth: number;
}

/** What is asked, with the type of field that asks it. */
export const TASKS = {
  "is there a …": "boolean",
  "is it a … (kind)": "boolean",
  "is … left of, above …": "boolean",
  "yes, no or not visible": "choice",
  "which thing": "choice",
  "which thing, or none of these": "choice",
  "what is at a place": "choice",
  "where is it, or none of these": "choice",
  "what kind": "choice",
  "which colour": "choice",
  "how many, in words": "choice",
  "how many": "number",
  "how many of a kind": "number",
} as const;

/** One of `TASKS`. */
export type Task = keyof typeof TASKS;

const COLOURS: readonly string[] =
  "red orange yellow green blue purple pink brown gray black white".split(" ");
const PLACES: readonly string[] = [
  "on the left",
  "on the right",
  "at the top",
  "at the bottom",
  "at the top left",
  "at the top right",
  "at the bottom left",
  "at the bottom right",
];
const NUMBERS: readonly string[] = ["none", "one", "two", "three", "four"];
/** What the model calls each kind, and several of it. Source: infra/demo-model/photographs/concepts.py. */
const KINDS: Readonly<Record<string, string>> = {
  animal: "an animal",
  fruit: "a fruit",
  food: "food",
  vehicle: "a vehicle",
  plant: "a plant",
  instrument: "a musical instrument",
  clothing: "clothing",
  building: "a building",
  object: "an object",
};
const PLURALS: Readonly<Record<string, string>> = {
  animal: "animals",
  fruit: "fruits",
  vehicle: "vehicles",
  instrument: "musical instruments",
  building: "buildings",
};
/** Noun phrases that take "are". */
const PLURAL_PHRASES: ReadonlySet<string> = new Set(["jeans", "sunglasses"]);

const MEANT: ReadonlySet<string> = new Set(["fruit", "food", "object"]);

/** Options of a field that asks which thing: enough that a guess is rarely right. */
const OPTIONS = 6;

/** Draws what is asked of each scene: always the same. Only of things that the model was trained to name, but for what asks whether it knows that it does not. */
export function askedFields(scenes: readonly Scene[]): readonly AskedField[] {
  return scenes.flatMap((scene, index) => new Asker(scene, index).all());
}

class Asker {
  readonly #scene: Scene;
  readonly #kinds = thingKinds();
  readonly #random: UniformStream;
  readonly #asked: AskedField[] = [];

  constructor(scene: Scene, index: number) {
    this.#scene = scene;
    this.#random = mulberry32(index + 1);
  }

  all(): readonly AskedField[] {
    const { things, background } = this.#scene;
    this.#told();
    if (background !== undefined)
      this.#choose("which colour", "What color is the background?", COLOURS, background);
    if (!this.#isOfItsWorld()) {
      this.#unknown();
      return this.#asked;
    }
    this.#counts();
    if (things !== undefined) this.#things(things);
    return this.#asked;
  }

  /** Whether no thing in it is one that the model cannot name, as far as the questions tell. */
  #isOfItsWorld(): boolean {
    const { things = [], questions } = this.#scene;
    return (
      things.every((thing) => this.#kinds.has(thing)) &&
      questions.every((one) => !this.#namesUnknown(one))
    );
  }

  #namesUnknown({ family, question, answer }: SceneQuestion): boolean {
    if (family === "absent" || family === "exist" || family === "outside") return false;
    return UNKNOWN.test(`${question} ${answer}`);
  }

  #things(things: readonly string[]): void {
    const absent = this.#draw(this.#others(things), things.length + 3);
    for (const thing of [...things, ...absent]) {
      const isThere = things.includes(thing);
      const question = PLURAL_PHRASES.has(thing)
        ? `Are there ${thing} in the picture?`
        : `Is there ${thing} in the picture?`;
      this.#decide("is there a …", question, isThere);
      this.#decideOrNot(question, isThere ? 0 : 1);
    }
    for (const [kind, plural] of this.#draw(Object.entries(PLURALS), 2)) {
      const count = things.filter((thing) => this.#kinds.get(thing) === kind).length;
      this.#number("how many of a kind", `How many ${plural} are there?`, count);
    }
    const [only] = things;
    if (only !== undefined && things.length === 1) this.#only(only);
  }

  #only(thing: string): void {
    const kind = this.#kinds.get(thing) ?? "";
    this.#choose("what kind", "What kind of thing is this?", Object.values(KINDS), KINDS[kind]);
    // Whether fruit is food is a matter of opinion, and everything is an object.
    const wrong = Object.keys(KINDS).filter((one) => one !== kind && !MEANT.has(one));
    for (const asked of [kind, ...this.#draw(wrong, 2)])
      if (asked !== "object")
        this.#decide("is it a … (kind)", `Is this ${KINDS[asked]}?`, asked === kind);
    const others = this.#others([thing]);
    const near = others.filter((one) => this.#kinds.get(one) === kind);
    const alike = this.#draw(near, OPTIONS / 2);
    const unlike = this.#draw(
      others.filter((one) => !alike.includes(one)),
      OPTIONS - alike.length,
    );
    const without = [...alike, ...unlike];
    const options = this.#draw([thing, ...without.slice(1)], OPTIONS);
    const question = "What is in the picture?";
    this.#choose("which thing", question, options, thing);
    this.#choose("which thing, or none of these", question, options, thing, true);
    this.#choose("which thing, or none of these", question, without, undefined, true);
  }

  /** A picture of something that the model cannot name: none of what it can. */
  #unknown(): void {
    const { things = [] } = this.#scene;
    if (things.length !== 1) return;
    const options = this.#draw(this.#others([]), OPTIONS);
    const task = "which thing, or none of these";
    this.#choose(task, "What is in the picture?", options, undefined, true);
  }

  #counts(): void {
    const { count } = this.#scene;
    const question = "How many objects are there?";
    this.#number("how many", question, count);
    this.#choose("how many, in words", question, NUMBERS, NUMBERS[count]);
  }

  /** Questions of the set, in its words. */
  #told(): void {
    for (const one of this.#scene.questions) {
      const { family, question, answer } = one;
      if (this.#namesUnknown(one)) continue;
      const said = answer.replace(/\.$/, "");
      const isYes = said === "Yes";
      const value = said.charAt(0).toLowerCase() + said.slice(1);
      if (family === "relation") {
        this.#decide("is … left of, above …", question, isYes);
        this.#decideOrNot(question, isYes ? 0 : 1);
      }
      if (family === "outside") this.#decideOrNot(question, 2);
      if (family === "what_at") {
        const wrong = this.#draw(this.#others([value]), OPTIONS - 1);
        this.#choose("what is at a place", question, this.#draw([value, ...wrong], OPTIONS), value);
      }
      if (family === "where" || family === "absent") {
        const right = family === "where" ? value : undefined;
        this.#choose("where is it, or none of these", question, PLACES, right, true);
      }
    }
  }

  #decide(task: Task, instructions: string, isTrue: boolean): void {
    this.#add(task, { name: "is_it", field: { type: "boolean", instructions } }, isTrue ? 0 : 1);
  }

  #decideOrNot(instructions: string, truth: number): void {
    const options = [{ value: "yes" }, { value: "no" }];
    const field = { type: "choice", options, none: true, instructions } as const;
    this.#add("yes, no or not visible", { name: "is_it", field }, truth);
  }

  #choose(
    task: Task,
    instructions: string,
    values: readonly string[],
    right: string | undefined,
    none = false,
  ): void {
    const options = values.map((value): Option => ({ value }));
    const found = right === undefined ? values.length : values.indexOf(right);
    if (found < 0) throw new Error(`${right} is no option of ${values.join(", ")}`);
    const field = { type: "choice", options, none, instructions } as const;
    this.#add(task, { name: "which", field }, found);
  }

  #number(task: Task, instructions: string, count: number): void {
    const field = { type: "number", minimum: 0, maximum: 4, decimals: 0, instructions } as const;
    this.#add(task, { name: "count", field }, count);
  }

  #add(task: Task, named: NamedField, truth: number): void {
    const id = `${this.#scene.picture}/${this.#asked.length}`;
    this.#asked.push({ id, scene: this.#scene, task, named, truth });
  }

  #others(than: readonly string[]): readonly string[] {
    return [...this.#kinds.keys()].filter((thing) => !than.includes(thing));
  }

  /** So many of them, shuffled. */
  #draw<T>(from: readonly T[], count: number): readonly T[] {
    return from
      .map((item) => ({ item, at: this.#random.next() }))
      .toSorted((a, b) => a.at - b.at)
      .slice(0, count)
      .map(({ item }) => item);
  }
}

/** Things of the scenes that the photographs' model was not trained to name. */
const UNKNOWN =
  /\b(?:grapes|cherries|watermelon|donut|helicopter|tree|cactus|sunflower|key|scissors|heart|star|octopus|carrot|cake|tulip|crown|light bulb|gift|moon)\b/i;
