import { describe, expect, test } from "vitest";
import { boxOf, type PlacesCard, placeQuestion } from "#domain/places.ts";

const places: PlacesCard = {
  columns: 3,
  rows: 2,
  cells: ["top left", "top", "top right", "bottom left", "bottom", "bottom right"],
  question: "Where is the {object}? I look for the {object}.",
};

describe("the grid by whose cells a model says where something is", () => {
  test("covers the picture, each part once, row by row from the top left", () => {
    expect(places.cells.map((cell) => boxOf(places, cell))).toEqual([
      { left: 0, top: 0, right: 1 / 3, bottom: 0.5 },
      { left: 1 / 3, top: 0, right: 2 / 3, bottom: 0.5 },
      { left: 2 / 3, top: 0, right: 1, bottom: 0.5 },
      { left: 0, top: 0.5, right: 1 / 3, bottom: 1 },
      { left: 1 / 3, top: 0.5, right: 2 / 3, bottom: 1 },
      { left: 2 / 3, top: 0.5, right: 1, bottom: 1 },
    ]);
  });

  test("has no other cells", () => {
    expect(() => boxOf(places, "middle")).toThrow(new RangeError('the grid has no cell "middle"'));
  });

  test("is asked about with the object's name as it is, wherever the question has it", () => {
    expect(placeQuestion(places, "$& dog")).toBe("Where is the $& dog? I look for the $& dog.");
  });
});
