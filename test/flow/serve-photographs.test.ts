import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelListBody } from "#wire/api/models.ts";
import { type LocalSystem, startLocalSystem } from "../support/local-system.ts";

interface Answered {
  readonly status: string;
  readonly answer: string;
  readonly charged_micros: number;
  readonly usage: { readonly image_vectors: number };
}

interface Quoted {
  readonly price_micros: number;
  readonly image_vectors: number;
  readonly card: string;
}

describe("npm start with the model that sees photographs beside the demo model", () => {
  let system: LocalSystem;
  beforeAll(async () => {
    system = await startLocalSystem("programs", {
      args: [
        ...["--model", "infra/demo-model/bundle"],
        ...["--model", "infra/demo-model/photographs/bundle", "--provider", "cpu"],
      ],
    });
  }, 180_000);
  afterAll(() => system[Symbol.asyncDispose]());

  async function post(route: string, fields: object): Promise<unknown> {
    const response = await fetch(`${system.url}/v1/${route}`, {
      method: "POST",
      headers: { authorization: `Bearer ${system.key}`, "content-type": "application/json" },
      body: JSON.stringify(fields),
    });
    expect(response.status).toBe(200);
    return response.json();
  }
  const pictureOf = (file: string): string =>
    `data:image/png;base64,${readFileSync(`test/fixtures/pictures/${file}`).toString("base64")}`;

  test("tells how each looks at pictures: one resized view, without tiles to choose from", async () => {
    const list = (await (
      await fetch(`${system.url}/v1/models`, { headers: { authorization: `Bearer ${system.key}` } })
    ).json()) as ModelListBody;
    expect(list.data).toMatchObject([
      { id: "unmask-demo", image: { aspect: "pad" } },
      {
        id: "unmask-photographs",
        image: { aspect: "stretch", grid_pinpoints: [], recommended_max_side: 224 },
      },
    ]);
  });

  test("a picture is quoted as 51 vectors whatever its size, and the quote is the charge", async () => {
    const fields = {
      ...{ model: "unmask-photographs", question: "What is this?", canvas: 16, steps: 16 },
      image: pictureOf("umbrella-tall.png"),
    };
    const quote = (await post("quotes", fields)) as Quoted;
    const answer = (await post("answers", { ...fields, card: quote.card })) as Answered;
    expect(quote.image_vectors).toBe(51);
    expect(answer).toMatchObject({
      ...{ status: "completed", answer: "An umbrella.", charged_micros: quote.price_micros },
      usage: { image_vectors: 51 },
    });
  });
});
