import { unstable_readConfig } from "wrangler";
import { jsonText } from "#wire/codec/json-text.ts";
import { type CardOverride, modelCardsSchema } from "#wire/function/model-card.ts";

/** What wrangler.toml says of models. */
export function wranglerCards(): Readonly<Record<string, CardOverride>> {
  const { vars } = unstable_readConfig({ config: "wrangler.toml" });
  return jsonText(modelCardsSchema).parse(vars["MODEL_CARDS"]);
}
