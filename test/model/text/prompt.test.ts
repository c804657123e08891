import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "#domain/question.ts";
import { IMAGE_SLOT, imageTokenIds, neutralise, promptIds } from "#model/text/prompt.ts";
import { fakeTemplate, fakeTokenizer } from "../../support/fake-tokenizer.ts";
import { referenceTable } from "../../support/reference.ts";

interface Row {
  readonly text: string;
  readonly bos_token_id: number;
  readonly chunk_ids: number[][];
  readonly out: number[];
}

interface Conversation {
  readonly system: string;
  readonly cases: readonly {
    name: string;
    turns: [string, string | null][];
    prompt: string;
  }[];
}

const { rows } = referenceTable<{ rows: Row[] }>("pure/tokenizer_image_token.json");
const { system, cases } = referenceTable<Conversation>("pure/conversation.json");

const tools = {
  rules: { systemPrompt: "", maxPromptLength: 100 },
  beginOfText: 1,
  tokenizer: fakeTokenizer,
  renderTemplate: fakeTemplate,
};

function user(text: string): Message[] {
  return [{ role: "user", text }];
}

describe("imageTokenIds", () => {
  test.each(rows)("joins the chunks of $text as the reference does", (row) => {
    const { text, bos_token_id, chunk_ids, out } = row;
    const chunks = [...chunk_ids];
    const tokenizer = { encode: () => chunks.shift() ?? [] };
    expect(imageTokenIds(text, bos_token_id, tokenizer)).toEqual(out);
  });

  test("the ids after a picture can be kept whole", () => {
    const text = "<|startoftext|><image>\nx";
    const rule = { dropsFirstIdAfterImage: false };
    const whole = imageTokenIds(text, 1, fakeTokenizer, rule);
    expect(whole).toEqual([1, IMAGE_SLOT, ...fakeTokenizer.encode("\nx")]);
    expect(imageTokenIds(text, 1, fakeTokenizer)).toEqual([
      1,
      IMAGE_SLOT,
      ...fakeTokenizer.encode("x"),
    ]);
  });
});

describe("promptIds", () => {
  test.each(
    cases.filter(({ turns }) =>
      turns.every(([, reply], index) => (index === turns.length - 1) === (reply === null)),
    ),
  )("writes the conversation $name as the reference does", ({ turns, prompt }) => {
    const images = prompt.split("<image>").length - 1;
    const messages = turns.flatMap(([question, reply]): Message[] => [
      { role: "user", text: question.replace(/^(<image> ?)+\n/, "") },
      ...(reply === null ? [] : [{ role: "assistant" as const, text: reply }]),
    ]);
    let rendered = "";
    promptIds(messages, images, {
      ...tools,
      rules: { systemPrompt: system, maxPromptLength: 100 },
      renderTemplate: (all) => {
        rendered = fakeTemplate(all);
        return rendered;
      },
    });
    expect(rendered).toBe(prompt);
  });

  test("pictures stand in the message that brings them, before its text", () => {
    const messages: Message[] = [
      { role: "user", text: "a", pictures: 1 },
      { role: "assistant", text: "b" },
      { role: "user", text: "c", pictures: 2 },
    ];
    let rendered = "";
    const renderTemplate = (all: readonly Message[]) => {
      rendered = fakeTemplate(all);
      return rendered;
    };
    promptIds(messages, 3, { ...tools, renderTemplate });
    expect(rendered).toBe(
      fakeTemplate([
        { role: "user", text: "<image>\na" },
        { role: "assistant", text: "b" },
        { role: "user", text: "<image> <image>\nc" },
      ]),
    );
  });

  test("a message that is nothing but a picture keeps the end of its turn", () => {
    const messages: Message[] = [{ role: "user", text: "", pictures: 1 }, ...user("a")];
    const special = (name: string) => fakeTokenizer.specialTokens.get(`<|${name}|>`);
    const turn = special("eot_id");
    const ids = promptIds(messages, 1, tools).filter((id) => id <= (turn ?? 0));
    const [header, end] = [special("start_header_id"), special("end_header_id")];
    expect(ids).toEqual([
      ...[special("startoftext"), header, end, IMAGE_SLOT, turn],
      ...[header, end, turn],
      ...[header, end],
    ]);
  });

  test("pictures that no message brings, or that are not there, are a fault", () => {
    expect(() => promptIds([{ role: "user", text: "a", pictures: 2 }], 1, tools)).toThrow(
      RangeError,
    );
    expect(() => promptIds([{ role: "system", text: "a" }], 1, tools)).toThrow(RangeError);
  });

  test("pictures that no message names stand before the first user message, wherever that is", () => {
    const messages: Message[] = [{ role: "system", text: "s" }, ...user("a"), ...user("b")];
    const ids = promptIds(messages, 2, tools);
    expect(ids.filter((id) => id === IMAGE_SLOT)).toHaveLength(2);
    // The space between two markers falls to the cut, as does the line break behind the last.
    const slot = ids.indexOf(IMAGE_SLOT);
    expect(ids.slice(slot, slot + 3)).toEqual([
      IMAGE_SLOT,
      IMAGE_SLOT,
      ...fakeTokenizer.encode("a"),
    ]);
  });

  test("a system message of one's own replaces the bundle's", () => {
    const rules = { systemPrompt: "ours", maxPromptLength: 100 };
    const text = (messages: Message[]) =>
      fakeTokenizer.decode(promptIds(messages, 0, { ...tools, rules }));
    expect(text(user("q"))).toContain("ours");
    expect(text([{ role: "system", text: "mine" }, ...user("q")])).not.toContain("ours");
  });

  test("no text can spell a special token or a picture's place, in any message", () => {
    const word = fc.constantFrom(
      ...fakeTokenizer.specialTokens.keys(),
      "<image>",
      "<|",
      "|>",
      "<|eot_id",
      "<<|eot_id|>",
      "ima",
      " ",
    );
    const text = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(""));
    const role = fc.constantFrom("system", "user", "assistant" as const);
    const messages = fc.array(fc.record({ role, text }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(messages, (conversation) => {
        const specials = (all: Message[]) =>
          promptIds(all, 0, tools).filter((id) => id < fakeTokenizer.specialTokens.size);
        const plain = conversation.map(({ role: speaker }) => ({ role: speaker, text: "x" }));
        expect(specials(conversation)).toEqual(specials(plain));
      }),
    );
  });
});

describe("neutralise", () => {
  test("leaves harmless text exactly as it is", () => {
    const harmless = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("<"));
    fc.assert(
      fc.property(harmless, (text) => {
        expect(neutralise(text, fakeTokenizer)).toBe(text);
      }),
    );
  });

  test("takes special tokens literally, whatever characters they have", () => {
    const words = ["[a-b]", "x.y", "$^", "\\d", "(?:", "a/b", "#", " "];
    const tokenizer = { specialTokens: new Map(words.map((word, id) => [word, id])) };
    expect(neutralise("[a-b]", tokenizer)).toBe("[\u2060a-b]");
    expect(neutralise("xzy 7", tokenizer)).toBe("xzy \u20607");
  });

  test("breaks overlapping special tokens each for itself", () => {
    const tokenizer = { specialTokens: new Map([["aXa", 0]]) };
    expect(neutralise("aXaXa", tokenizer)).not.toContain("aXa");
  });
});
