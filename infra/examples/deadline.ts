// An answer at its deadline, whatever happens: whole if there was time, else the canvas as it stood, charged for its steps.

import { openAsBlob } from "node:fs";
import { createClient } from "#client/client.ts";

const { UNMASK_URL: baseUrl = "", UNMASK_KEY: apiKey = "" } = process.env;
const unmask = createClient({ baseUrl, apiKey });
const images = [await openAsBlob("test/fixtures/photographs/cat.jpg")];

for (const deadline_ms of [0, 60_000]) {
  const { status, answer, usage, charged_micros } = await unmask.ask({
    question: "What is this?",
    images,
    deadline_ms,
    cache: "off",
  });
  console.log(
    `${deadline_ms} ms: ${status} "${answer}" after ${usage.steps} steps, ${charged_micros} micro-dollars`,
  );
}
