import { FIELD_LIMITS } from "#domain/fields.ts";
import type { Draft, ReadingOptions } from "../asking/draft.ts";
import type { Page } from "../browser.ts";
import type { PictureActions } from "../pictures/picture-actions.ts";
import type { Preset } from "./presets.ts";
import { type FieldRow, freeName, moved, newRow } from "./rows.ts";

/** What a person can do about the values that are to be read. */
export interface FieldActions {
  setWants(wants: Draft["wants"]): void;
  addRow(): void;
  changeRow(id: number, change: Partial<Omit<FieldRow, "id">>): void;
  removeRow(id: number): void;
  /** `by`: places towards the end. */
  moveRow(id: number, by: number): void;
  setReading(change: Partial<ReadingOptions>): void;
  /** Puts its rows and its picture in the place of all there are. */
  openPreset(preset: Preset): Promise<void>;
}

export function fieldActions({ store }: Page, pictures: PictureActions): FieldActions {
  const draft = (change: (draft: Draft) => Partial<Draft>): void =>
    store.update((state) => ({ draft: { ...state.draft, ...change(state.draft) }, quote: null }));
  return {
    setWants: (wants) => draft(() => ({ wants })),
    addRow: () =>
      draft(({ rows }) =>
        rows.length < FIELD_LIMITS.fields
          ? { rows: [...rows, newRow({ name: freeName(rows) })] }
          : {},
      ),
    changeRow: (id, change) =>
      draft(({ rows }) => ({
        rows: rows.map((row) => (row.id === id ? { ...row, ...change } : row)),
      })),
    removeRow: (id) => draft(({ rows }) => ({ rows: rows.filter((row) => row.id !== id) })),
    moveRow: (id, by) => draft(({ rows }) => ({ rows: moved(rows, id, by) })),
    setReading: (change) => draft(({ reading }) => ({ reading: { ...reading, ...change } })),
    async openPreset({ rows, sample }) {
      store.update({ run: null, trouble: null, fieldProblems: [] });
      draft(() => ({ wants: "values", rows: rows(), question: "", turns: [] }));
      await pictures.replacePictures([], [sample]);
    },
  };
}
