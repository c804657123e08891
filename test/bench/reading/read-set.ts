import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import type { FieldType } from "#domain/fields.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import type { DescribedModel } from "#inference/described-model.ts";
import type { Resize } from "#model/vision/crops.ts";
import { type AskedField, askedFields, TASKS, type Task } from "./asked-fields.ts";
import type { ScoredField } from "./judging.ts";
import { type FieldScores, ScoreReader } from "./read-scores.ts";
import { readScenes } from "./scenes.ts";

/** How the set is read. */
export interface Way {
  readonly name: string;
  readonly style: ReadStyle;
  /** Fields of a picture that are asked together. */
  readonly together: number;
}

/** A field of the set as it was read in one way. */
export interface SetField extends ScoredField {
  readonly id: string;
  readonly task: Task;
  readonly type: FieldType;
  /** Whether temperatures are fitted on its picture; the others judge. */
  readonly isFitted: boolean;
}

/** What a file keeps of a field, so that a set that was stopped goes on. */
interface Kept extends FieldScores {
  readonly key: string;
}

/** Reads the whole set in one way. What the file has is not read again. */
export async function readSet(
  { model, resize }: { readonly model: DescribedModel; readonly resize: Resize },
  way: Way,
  file: string | undefined,
  onProgress: (done: number, all: number) => void,
): Promise<readonly SetField[]> {
  const scenes = readScenes();
  const asked = askedFields(scenes);
  const kept = file === undefined ? new Map<string, FieldScores>() : readKept(file);
  const reader = new ScoreReader(model, resize, way.style);
  const keyOf = ({ id }: AskedField): string => `${model.card.digest} ${way.name} ${id}`;
  for (const [index, group] of groupsOf(asked, way.together).entries()) {
    onProgress(index, Math.ceil(asked.length / way.together));
    if (group.every((field) => kept.has(keyOf(field)))) continue;
    const named = group.map(({ named: one }, place) => ({
      ...one,
      name: way.together === 1 ? one.name : `${one.name}_${"abcdefgh".charAt(place)}`,
    }));
    const found = await reader.read(group[0]!.scene.picture, named);
    for (const [place, field] of group.entries()) {
      const line: Kept = { key: keyOf(field), ...found[place]! };
      kept.set(line.key, line);
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
    }
  }
  const order = new Map(scenes.map(({ picture }, index) => [picture, index]));
  return asked.map((field): SetField => {
    const { picture } = field.scene;
    const type = TASKS[field.task];
    const hasNone = field.named.field.type === "choice" && field.named.field.none;
    const { scores, bias } = kept.get(keyOf(field))!;
    const isFitted = (order.get(picture) ?? 0) % 2 === 0;
    return { ...field, picture, type, hasNone, scores, bias, isFitted };
  });
}

function groupsOf(asked: readonly AskedField[], together: number): readonly AskedField[][] {
  return [...Map.groupBy(asked, ({ scene }) => scene).values()].flatMap((own) =>
    Array.from({ length: Math.ceil(own.length / together) }, (_, index) =>
      own.slice(index * together, (index + 1) * together),
    ),
  );
}

function readKept(file: string): Map<string, FieldScores> {
  if (!existsSync(file)) writeFileSync(file, "");
  const lines = readFileSync(file, "utf8").split("\n");
  // The last line may have been cut off.
  const whole = lines.slice(0, -1).map((line) => JSON.parse(line) as Kept);
  return new Map(whole.map(({ key, scores, bias }) => [key, { scores, bias }]));
}
