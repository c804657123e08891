import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { differencesOf } from "#cli/eval/report/html/disagreements.ts";
import { html } from "#cli/eval/report/html/markup.ts";
import type { ColumnResults } from "#cli/eval/report/report.ts";
import type { Scored } from "#cli/eval/results.ts";
import { evaluateFile } from "#cli/eval.ts";
import { recordedIo } from "../../../support/edge-command-io.ts";
import { openAiStandIn } from "../../../support/openai-stand-in.ts";
import { linesOf, PIXEL, testSetFile } from "../../../support/test-set-file.ts";

const image = `data:image/png;base64,${Buffer.from(PIXEL).toString("base64")}`;

/** What a model may write to become part of the page. */
const HOSTILE = `</bdi></style><script>alert(1)</script><img src=x onerror="alert(1)">&lt;'"\u0000\u202Egnp`;

async function written(
  answers: readonly ((text: string) => string)[],
  options: readonly string[] = [],
): Promise<string> {
  const [first, second] = await Promise.all(
    answers.map((answer) => openAiStandIn(({ texts }) => answer(texts.at(-1) ?? ""))),
  );
  const servers = [first, second].filter((server) => server !== undefined);
  const file = testSetFile(
    linesOf(
      {
        id: "one",
        image,
        question: "What is <b>this</b>?",
        answer: "a dog",
        family: "<i>what</i>",
      },
      { id: "two", image, question: "And this?", answer: "a cat", family: "other" },
      { id: "three", image, question: "And then?", answer: "a bird", family: "other" },
    ),
  );
  const against = servers.flatMap(({ url }, place) => [
    ...["--against", url, "--model", `<script>m${place}`],
  ]);
  const io = recordedIo();
  expect(
    await evaluateFile(
      [file, "--only-against", ...options, ...against, "--html", `${file}.html`],
      io,
    ),
  ).toBe(EXIT.done);
  for (const server of servers) await server[Symbol.asyncDispose]();
  return readFileSync(`${file}.html`, "utf8");
}

describe("the report as a page", () => {
  test("shows what a model writes and never runs it, and fetches nothing", async () => {
    const page = await written([
      (text) => (text.startsWith("And this") ? "a cat" : HOSTILE),
      (text) => (text.startsWith("What") ? "a dog" : "a bird"),
    ]);
    expect(page).not.toMatch(/<script/i);
    expect(page).not.toMatch(/onerror="/);
    expect(page).toContain("&lt;/bdi&gt;&lt;/style&gt;&lt;script&gt;alert(1)");
    expect(page).toContain("&amp;lt;&#39;&quot;\u{FFFD}");
    expect(page).toContain("<bdi>&lt;script&gt;m0</bdi>");
    expect(page).toContain("What is &lt;b&gt;this&lt;/b&gt;?");
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.filter((address) => !address?.startsWith("data:image/webp;base64,"))).toEqual(
      [],
    );
    expect(page).toContain("default-src &#39;none&#39;");
  });

  test("says what its maker notes below its title, as text", async () => {
    const page = await written([() => "a dog"], ["--note", "<b>m0</b> was trained for less"]);
    expect(page).toContain("<bdi>&lt;b&gt;m0&lt;/b&gt; was trained for less</bdi></p></header>");
  });

  test("shows the questions on which columns disagree, by who is right", async () => {
    const page = await written([
      (text) => (text.startsWith("And this") ? "a cat" : "a horse"),
      (text) => (text.startsWith("What") ? "a dog" : "a cat"),
    ]);
    expect(page).toContain("Where they disagree");
    expect([...page.matchAll(/<article class="card p(\d+)"/g)].map(([, who]) => who)).toEqual([
      "01",
    ]);
  });

  test("of one column shows where it is not right", async () => {
    const page = await written([(text) => (text.startsWith("What") ? "a dog" : "")]);
    expect(page).toContain("Where it is not right");
    expect([...page.matchAll(/<article/g)]).toHaveLength(2);
    expect(page).toContain("<em>nothing</em>");
  });
});

describe("text in markup", () => {
  test("never leaves its element or its attribute, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { text: markup } = html`<p title="${text}">${text}</p>`;
        expect(markup.match(/[<>]/g)).toHaveLength(4);
        expect(markup.match(/"/g)).toHaveLength(2);
      }),
    );
  });
});

describe("the questions that are shown", () => {
  const columnsOf = (...rows: readonly string[]): readonly ColumnResults[] =>
    rows.map((row) => ({
      column: {
        ...{ kind: "own", name: row, mode: undefined, refresh: undefined, canvas: 1, steps: 1 },
        choices: undefined,
      },
      answerer: "here",
      stopped: null,
      results: [...row].map((score) => ({ score: score === "-" ? null : Number(score) }) as Scored),
    }));

  test("are those that were answered otherwise, some of each kind, however rare it is", () => {
    const { patterns, places } = differencesOf(columnsOf("1111110-1", "0000011-1"), 3);
    expect(patterns).toEqual([
      { pattern: "10", questions: 5 },
      { pattern: "01", questions: 1 },
    ]);
    expect([...places]).toEqual([0, 6, 1]);
  });

  test("do not count an answer that nobody gave as a disagreement", () => {
    expect(differencesOf(columnsOf("1-1", "11-"), 9).patterns).toEqual([]);
  });
});
