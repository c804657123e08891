import { exports } from "cloudflare:workers";
import { expect, test } from "vitest";

const address = "http://edge.test/";

async function open(accept?: string): Promise<Response> {
  return await exports.default.fetch(address, accept === undefined ? {} : { headers: { accept } });
}

/** As Chromium sends it. */
const browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

test("a browser that opens the address gets the playground, under a policy that runs the site's own files alone", async () => {
  const page = await open(browsers);
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toMatch(/^text\/html/);
  expect(await page.text()).toContain('<div id="playground">');
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toContain("unsafe");
});

test.each([undefined, "*/*", "application/json"])(
  "a program that opens the address is told where to read on (Accept: %s)",
  async (accept) => {
    const reply = await open(accept);
    expect(reply.headers.get("content-type")).toBe("application/json");
    expect(await reply.json()).toMatchObject({ name: "Unmask", openapi: "/openapi.json" });
  },
);

test("what lies between keeps one for the other of neither: both say that they depend on what is accepted", async () => {
  for (const accept of [browsers, "application/json"])
    expect((await open(accept)).headers.get("vary")).toMatch(/accept/i);
});

test("a path that no file has is refused by the API, as before there were files", async () => {
  const reply = await exports.default.fetch("http://edge.test/assets/nothing.js");
  expect(reply.status).toBe(404);
  expect(await reply.json()).toMatchObject({ code: "not_found" });
});
