import * as z from "zod";
import { MAX_SENTENCE_LENGTH } from "./limits.ts";

/** What a model's maker says in words. It is shown in terminals: what moves a cursor or turns the direction of writing has no place in it. */
export const sentence: z.ZodString = z
  .string()
  .min(1)
  .max(MAX_SENTENCE_LENGTH)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, "has control characters; it is one line of text");
