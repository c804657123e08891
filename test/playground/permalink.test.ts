import { expect, test } from "vitest";
import { type Draft, defaultOptions, emptyDraft, usualReading } from "#playground/asking/draft.ts";
import { linkedOf, permalink } from "#playground/asking/permalink.ts";
import { passOf } from "#playground/pass/pass.ts";
import { picture } from "./pictures.ts";

const draft: Draft = {
  ...emptyDraft,
  question: "What's “this” & that?\nNow?",
  model: "unmask-demo",
  options: {
    ...defaultOptions,
    canvas: 24,
    temperature: 0.5,
    mode: "exact",
    stop: ".\n,",
    deadlineMs: 0,
  },
  pictures: [
    picture({ file: new Blob(["secret"], { type: "image/png" }) }),
    picture({ url: "https://example.com/a.png?b=c&d" }),
    picture({ file: new Blob(["dog"], { type: "image/png" }), sample: "dog.png" }),
  ],
};

test("a link brings back the question, its options, addresses and samples", () => {
  const link = permalink(draft, "https://unmask.example");
  expect(linkedOf(new URL(link).hash)).toEqual({
    question: draft.question,
    model: "unmask-demo",
    options: draft.options,
    urls: ["https://example.com/a.png?b=c&d"],
    samples: ["dog.png"],
    rows: null,
    reading: usualReading,
  });
});

test("a link has nothing of a person's own pictures, and tells no server anything: all of it is behind the #", () => {
  const link = new URL(permalink(draft, "https://unmask.example"));
  expect(link.href).not.toContain("secret");
  expect([link.pathname, link.search]).toEqual(["/", ""]);
});

test.each(["", "#", "#pass=ey.ey.x", "#main"])("%j is no link to a question", (fragment) => {
  expect(linkedOf(fragment)).toBeNull();
});

test("what cannot be read in a link is left as the model has it, and a sample is a name and no path", () => {
  const linked = linkedOf(
    "#q=x&canvas=many&mode=psychic&sample=../../v1/keys&sample=dog.png&temperature=",
  );
  expect(linked?.options).toEqual(defaultOptions);
  expect(linked?.samples).toEqual(["dog.png"]);
});

test("a pass in the address says itself when it ends; what is none is nothing", () => {
  const payload = btoa(JSON.stringify({ exp: 1_800_000_000 })).replace(/=/g, "");
  const token = `ey.${payload}.signature`;
  expect(passOf(`#pass=${token}`)).toEqual({ token, expiresAt: 1_800_000_000_000 });
  for (const fragment of [
    "",
    "#pass=",
    "#pass=umk_live_key",
    "#pass=a.!!.c",
    `#pass=a.${btoa("{}")}.c`,
  ])
    expect(passOf(fragment)).toBeNull();
});
