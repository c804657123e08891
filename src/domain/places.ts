/**
 * How a model says where something is: by the name of one of the cells of a grid over the picture. Only whoever trained it to can say
 * this; a model that was not names cells too, and none of them means anything.
 */
export interface PlacesCard {
  readonly columns: number;
  readonly rows: number;
  /** What each cell is called, row by row from the top left [rows × columns]. */
  readonly cells: readonly string[];
  /** What is asked; `OBJECT_SLOT` stands for what is looked for. */
  readonly question: string;
}

/** Stands in a question where the name of what is looked for goes. */
export const OBJECT_SLOT = "{object}";

/** Part of a picture, as shares of its width and height: 0 is its left and its top. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Asks where something is, by its name. */
export function placeQuestion({ question }: PlacesCard, object: string): string {
  return question.replaceAll(OBJECT_SLOT, () => object);
}

/** Where a cell is. Throws RangeError where the grid has none of that name. */
export function boxOf({ columns, rows, cells }: PlacesCard, cell: string): Box {
  const index = cells.indexOf(cell);
  if (index === -1) throw new RangeError(`the grid has no cell ${JSON.stringify(cell)}`);
  const [column, row] = [index % columns, Math.floor(index / columns)];
  return {
    left: column / columns,
    top: row / rows,
    right: (column + 1) / columns,
    bottom: (row + 1) / rows,
  };
}
