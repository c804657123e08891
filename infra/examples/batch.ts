// Many questions about one upload, under one hold. Each succeeds or fails by itself; results come in the order of the items.

import { openAsBlob } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { createClient } from "#client/client.ts";

const { UNMASK_URL: baseUrl = "", UNMASK_KEY: apiKey = "" } = process.env;
const unmask = createClient({ baseUrl, apiKey });
const { id } = await unmask.images.upload(await openAsBlob("test/fixtures/photographs/cat.jpg"));
const questions = ["What is this?", "Is there a cat?", "Is there a dog?"];

const batch = await unmask.batches.create({
  items: questions.map((question) => ({ custom_id: question, question, images: [{ id }] })),
  defaults: { canvas: 16 },
});
// A program that is told by a webhook, "batch.completed", need not look.
while ((await unmask.batches.get(batch.id)).ended_at === null) await setTimeout(200);
for await (const { custom_id, answer, error } of unmask.batches.results(batch.id))
  console.log(custom_id, answer?.answer ?? error?.detail);
