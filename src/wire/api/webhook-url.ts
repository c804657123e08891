import * as z from "zod";
import { MAX_URL_LENGTH } from "../function/fetch.ts";

/**
 * Schema of an address that is to be told something, as far as that is the same everywhere. The edge refuses besides what
 * its fetch hop would never send to (`addressRefusal`), and the hop checks where the name leads.
 */
export const webhookUrlSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(MAX_URL_LENGTH)
  .refine(isWebhookUrl, "must be an https address without a user name, password or fragment")
  .meta({ description: "An https address." });

function isWebhookUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username + password === "" && !text.includes("#");
}
