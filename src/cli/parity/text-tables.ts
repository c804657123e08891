import type { Message } from "#domain/question.ts";
import { createTemplateRenderer } from "#engine/text.ts";
import { imageTokenIds } from "#model/text/prompt.ts";
import type { Comparison } from "./comparison.ts";

interface ConversationTable {
  readonly chat_template: string;
  readonly system: string;
  readonly cases: readonly {
    readonly name: string;
    readonly turns: readonly (readonly (string | null)[])[];
    readonly prompt: string;
  }[];
}

/** How conversations are written out with a checkpoint's template. Turns are pairs of user and assistant; empty ones are left out. */
export function compareConversations(table: ConversationTable, comparison: Comparison): void {
  const render = createTemplateRenderer(table.chat_template, "<|startoftext|>");
  for (const { name, turns, prompt } of table.cases) {
    const messages: Message[] = turns.flatMap(([user, assistant]) => [
      { role: "user", text: user ?? "" },
      { role: "assistant", text: assistant ?? "" },
    ]);
    const said = messages.filter(({ text }) => text !== "");
    comparison.same(name, render([{ role: "system", text: table.system }, ...said]), prompt);
  }
}

interface ImageTokenTable {
  readonly rows: readonly {
    readonly text: string;
    readonly tokenizer: string;
    readonly bos_token_id: number;
    readonly chunk_ids: readonly (readonly number[])[];
    readonly out: readonly number[];
  }[];
}

/** How the ids around pictures are joined, given what a tokenizer makes of each piece of text. */
export function compareImageTokens(table: ImageTokenTable, comparison: Comparison): void {
  for (const { text, tokenizer, bos_token_id, chunk_ids, out } of table.rows) {
    const pieces = chunk_ids.values();
    const ids = imageTokenIds(text, bos_token_id, {
      encode: () => [...(pieces.next().value ?? [])],
    });
    comparison.same(`${JSON.stringify(text)} with ${tokenizer}`, ids, out);
  }
}
