import { env } from "cloudflare:workers";
import type { ModelCard } from "#domain/quote.ts";
import { settingsOf } from "#edge/settings.ts";
import { cardAlone } from "#wire/function/model-card.ts";

/** The card of the demo model as the settings of the tests have it, whole. */
export function demoCard(): ModelCard {
  const own = settingsOf(env).cards["unmask-demo"];
  const card = own === undefined ? undefined : cardAlone("unmask-demo", own);
  if (card === undefined) throw new Error("the tests have no whole card of the demo model");
  return card;
}
