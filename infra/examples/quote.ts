// What an answer will cost, an upper bound for it, and what it did cost: the same number.

import { openAsBlob } from "node:fs";
import { createClient } from "#client/client.ts";

const { UNMASK_URL: baseUrl = "", UNMASK_KEY: apiKey = "" } = process.env;
const unmask = createClient({ baseUrl, apiKey });
const images = [await openAsBlob("test/fixtures/pictures/dog.png")];
const question = { question: "What is this?", images, canvas: 16, cache: "off" } as const;

const quote = await unmask.quote(question);
const answer = await unmask.ask({ ...question, max_price_micros: quote.price_micros });
console.log(
  `${answer.answer} Quoted ${quote.price_micros}, charged ${answer.charged_micros} micro-dollars.`,
);
