import { describe, expect, test } from "vitest";
import { readGuide, shapeOf } from "./guide.ts";

describe("a guide", () => {
  test.each([
    ["TypeScript", "```ts\nconsole.log(1);\n```"],
    ["Python", "```python\nprint(1)\n```"],
    ["curl", '```sh\ncurl -s "$UNMASK_URL/health"\n```'],
  ])("with a block of %s that no test runs is refused", (_, text) => {
    expect(() => readGuide("x.md", text)).toThrow(/no test runs/);
    const [block] = readGuide("x.md", `<!-- runs: one -->\n${text}`);
    expect(block).toMatchObject({ name: "one", stays: false });
  });

  test("that says what a block prints which it has not is refused, and so are two blocks of one name", () => {
    const runs = "<!-- runs: a -->\n```ts\n1;\n```\n";
    expect(() => readGuide("x.md", `${runs}<!-- prints: b -->\n\`\`\`text\n1\n\`\`\``)).toThrow(
      "b",
    );
    expect(() => readGuide("x.md", runs + runs)).toThrow(/two blocks/);
  });

  test("says what several blocks print in one place", () => {
    const text =
      "<!-- runs: a -->\n```ts\n1;\n```\n<!-- runs: b, stays -->\n```python\n1\n```\n\n<!-- prints: a, b -->\n```text\nA … dog.\n```";
    const blocks = readGuide("x.md", text);
    expect(blocks.map(({ name, stays }) => [name, stays])).toEqual([
      ["a", false],
      ["b", true],
    ]);
    for (const { prints } of blocks) {
      expect("A big dog.\n").toMatch(prints ?? /$^/);
      expect("A big cat.\n").not.toMatch(prints ?? /^/);
    }
  });
});

describe("an output's shape", () => {
  test("takes JSON broken into lines for JSON in one, and no other value", () => {
    const shape = shapeOf('{\n  "answer": "A dog.", …\n  "cost": [1, 2] }', "json");
    expect('{"answer":"A dog.","x":{},"cost":[1,2]}\n').toMatch(shape);
    expect('{"answer":"A cat.","x":{},"cost":[1,2]}\n').not.toMatch(shape);
    expect('{"answer":"A dog.","cost":[1,3]}\n').not.toMatch(shape);
  });

  test("of text is the text itself", () => {
    expect("true\n").toMatch(shapeOf("true", "text"));
    expect("false\n").not.toMatch(shapeOf("true", "text"));
    expect("true false\n").not.toMatch(shapeOf("true", "text"));
  });
});
