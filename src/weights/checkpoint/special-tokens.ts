import * as z from "zod";
import type { SpecialTokens } from "#domain/architecture.ts";
import { MAX_TEMPLATE_LENGTH, MAX_VOCABULARY } from "../limits.ts";
import { WeightsError } from "../weights-error.ts";

/** What a tokenizer adds to the architecture. */
export interface TokenizerFacts {
  readonly special: SpecialTokens;
  /** Highest id + 1. */
  readonly logitsColumns: number;
  readonly chatTemplate: string;
}

/** Special tokens as they are written, by role. Source: tokenizer_config.json of LLaDA. */
export const SPECIAL_TOKEN_TEXTS: Readonly<Record<keyof SpecialTokens, string>> = {
  mask: "<|mdm_mask|>",
  beginOfText: "<|startoftext|>",
  endOfText: "<|endoftext|>",
  startHeader: "<|start_header_id|>",
  endHeader: "<|end_header_id|>",
  endOfTurn: "<|eot_id|>",
};

/** LLaDA's conversation form, for a checkpoint whose tokenizer_config.json lacks it. Source: the same file of LLaDA-V. */
export const DEFAULT_CHAT_TEMPLATE =
  "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}";

const id = z.number().int().min(0).max(MAX_VOCABULARY);

const tokenizerJson = z.object({
  added_tokens: z.array(z.object({ id, content: z.string() })).default([]),
  model: z.object({
    vocab: z.union([z.record(z.string(), id), z.array(z.unknown()).max(MAX_VOCABULARY)]),
  }),
  post_processor: z.unknown().optional(),
});

const template = z.string().max(MAX_TEMPLATE_LENGTH);

const tokenizerConfigJson = z.object({
  added_tokens_decoder: z
    .record(z.string().regex(/^\d+$/), z.object({ content: z.string() }))
    .default({}),
  chat_template: z.union([template, z.array(z.object({ name: z.string(), template }))]).optional(),
});

/**
 * Reads ids by what the tokens say, from tokenizer.json and tokenizer_config.json as parsed JSON. `ownTemplate` is the text of
 * chat_template.jinja, which newer tools write beside them and read before them.
 * Throws WeightsError `tokenizer_invalid` if a file has another form or a special token is missing, `checkpoint_unsupported`
 * if the tokenizer puts tokens around every text: pieces of a prompt are encoded one by one.
 */
export function readTokenizerFacts(
  tokenizer: unknown,
  tokenizerConfig: unknown,
  ownTemplate?: string,
): TokenizerFacts {
  const {
    added_tokens: added,
    model,
    post_processor: processor,
  } = parse(tokenizerJson, tokenizer, "tokenizer.json");
  const around = tokensAround(processor);
  if (around.length > 0) {
    throw new WeightsError(
      "checkpoint_unsupported",
      `the post_processor of tokenizer.json adds ${around.join(", ")} to every text, which this engine does not do`,
    );
  }
  const settings = parse(tokenizerConfigJson, tokenizerConfig, "tokenizer_config.json");
  const ids = new Map(added.map((token) => [token.content, token.id]));
  for (const [key, token] of Object.entries(settings.added_tokens_decoder)) {
    ids.set(token.content, Number(key));
  }
  let highest = Array.isArray(model.vocab) ? model.vocab.length - 1 : -1;
  const known = Array.isArray(model.vocab) ? [] : Object.values(model.vocab);
  for (const value of [...ids.values(), ...known]) highest = Math.max(highest, value);
  return {
    special: byRole((role) => {
      const found = ids.get(SPECIAL_TOKEN_TEXTS[role]);
      if (found === undefined) {
        throw new WeightsError(
          "tokenizer_invalid",
          `the tokenizer has no token ${SPECIAL_TOKEN_TEXTS[role]}`,
        );
      }
      return found;
    }),
    logitsColumns: highest + 1,
    chatTemplate: ownTemplate ?? meantTemplate(settings.chat_template) ?? DEFAULT_CHAT_TEMPLATE,
  };
}

/**
 * Derives the special ids from the end-of-text id, for a checkpoint that takes ids only: in every vocabulary of this family
 * they keep their distances. Source: ids 126080 … 126348 in tokenizer_config.json of LLaDA.
 */
export function specialTokensFromEndOfText(endOfText: number): SpecialTokens {
  return {
    beginOfText: endOfText - 1,
    endOfText,
    mask: endOfText + 255,
    startHeader: endOfText + 265,
    endHeader: endOfText + 266,
    endOfTurn: endOfText + 267,
  };
}

/** Of several templates the one named `default` is meant where none is asked for. Source: transformers, `get_chat_template`. */
function meantTemplate(
  said: string | readonly { readonly name: string; readonly template: string }[] | undefined,
): string | undefined {
  if (said === undefined || typeof said === "string") return said;
  const meant = said.find(({ name }) => name === "default");
  if (meant !== undefined) return meant.template;
  const names = said.map(({ name }) => name).join(", ");
  throw new WeightsError(
    "tokenizer_invalid",
    `tokenizer_config.json has the templates ${names || "of an empty list"}, and none named default`,
  );
}

const processorJson = z.object({
  single: z.array(z.object({ SpecialToken: z.object({ id: z.string() }).optional() })).default([]),
  processors: z.array(z.unknown()).default([]),
});

/** Special tokens that a post-processor puts around a single text, alone or in a sequence. Source: tokenizers, `TemplateProcessing`. */
function tokensAround(processor: unknown): string[] {
  const parsed = processorJson.safeParse(processor);
  if (!parsed.success) return [];
  const { single, processors } = parsed.data;
  return [
    ...single.flatMap(({ SpecialToken }) => SpecialToken?.id ?? []),
    ...processors.flatMap(tokensAround),
  ];
}

function byRole(find: (role: keyof SpecialTokens) => number): SpecialTokens {
  return {
    mask: find("mask"),
    beginOfText: find("beginOfText"),
    endOfText: find("endOfText"),
    startHeader: find("startHeader"),
    endHeader: find("endHeader"),
    endOfTurn: find("endOfTurn"),
  };
}

function parse<Output>(schema: z.ZodType<Output>, json: unknown, fileName: string): Output {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new WeightsError(
    "tokenizer_invalid",
    `${fileName} cannot be used:\n${z.prettifyError(parsed.error)}`,
  );
}
