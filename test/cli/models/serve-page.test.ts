import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Architecture } from "#domain/architecture.ts";
import {
  CPU_FORM,
  GPU_FORM,
  type Processor,
  SMALL_FORM,
  SMALL_GPU_FORM,
  type StorageForm,
} from "#weights/format-choice.ts";
import { needsOf } from "#weights/needs.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";

const { vision: _, image: __, ...textOnly } = synthArchitecture("llada-v-8b");
const architectures: Readonly<Record<string, Architecture>> = {
  "LLaDA-V": synthArchitecture("llada-v-8b"),
  "LLaDA-8B-Instruct, LLaDA-1.5": textOnly,
};

/** Rows of a page's tables as their cells. */
function rows(page: string): string[][] {
  return readFileSync(page, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function formOf(cell: string): StorageForm {
  const [, format = "", block] = /^`(\w+)`(?: in blocks of (\d+))?/.exec(cell) ?? [];
  return { format, ...(block === undefined ? {} : { block: Number(block) }) } as StorageForm;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);

describe("the page on serving a model", () => {
  const needs = rows("infra/docs/serve.md").filter(([model = ""]) => model in architectures);

  test("has the needs that the code computes, which refuses machines by them", () => {
    expect(needs.length).toBeGreaterThanOrEqual(10);
    for (const [model = "", provider = "", form = "", ...told] of needs) {
      const processor: Processor = provider === "`cpu`" ? "cpu" : "gpu";
      const architecture = architectures[model];
      if (architecture === undefined) throw new Error(`no architecture of ${model}`);
      const needed = needsOf(architecture, formOf(form), { processor });
      expect([model, form, ...told]).toEqual([
        ...[model, form, gigabytes(needed.bundleBytes), gigabytes(needed.servingBytes)],
        processor === "cpu" ? "–" : gigabytes(needed.deviceBytes),
      ]);
    }
  });

  test("says what auto takes, and what where that does not fit", () => {
    const auto = (words: string) =>
      new Set(
        needs
          .filter(([, , form = ""]) => form.includes(words))
          .map(([, provider, form = ""]) => JSON.stringify([provider === "`cpu`", formOf(form)])),
      );
    const expected = (cpu: StorageForm, gpu: StorageForm) =>
      new Set([JSON.stringify([true, cpu]), JSON.stringify([false, gpu])]);
    expect(auto("what `auto` takes")).toEqual(expected(CPU_FORM, GPU_FORM));
    expect(auto("where that does not fit")).toEqual(expected(SMALL_FORM, SMALL_GPU_FORM));
  });
});
