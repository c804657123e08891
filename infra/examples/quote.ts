// What an answer will cost, the same card for it, and what it did cost: the same number. Were the card another by then, the
// question would be refused and cost nothing; `max_price_micros` would only bound the price.

import { openAsBlob } from "node:fs";
import { createClient } from "#client/client.ts";

const { UNMASK_URL: baseUrl = "", UNMASK_KEY: apiKey = "" } = process.env;
const unmask = createClient({ baseUrl, apiKey });
const images = [await openAsBlob("test/fixtures/photographs/cat.jpg")];
const question = { question: "What is this?", images, canvas: 16, cache: "off" } as const;

const quote = await unmask.quote(question);
const answer = await unmask.ask({ ...question, card: quote.card });
console.log(
  `${answer.answer} Quoted ${quote.price_micros}, charged ${answer.charged_micros} micro-dollars.`,
);
