import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { deliver } from "#inference/fetch/deliver.ts";
import { findDestination, type Reach } from "#inference/fetch/destination.ts";
import { fetchImage } from "#inference/fetch/fetch-image.ts";
import { MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { isPublicAddress } from "#wire/public-address.ts";

const forever = new AbortController().signal;
const anywhere: Reach = {
  resolve: async () => ["127.0.0.1"],
  allowsPrivate: true,
  forbiddenPorts: [],
};

/** The internet as it is for callers: nothing private, names as given. */
function internet(names: Readonly<Record<string, readonly string[]>>): Reach {
  return { resolve: async (host) => names[host] ?? [], allowsPrivate: false, forbiddenPorts: [] };
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function host(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://picture.test:${(server.address() as AddressInfo).port}`;
}

function imageOrder(url: string, timeout_ms = 2_000) {
  return { purpose: "image", url, timeout_ms } as const;
}

describe("an address is public", () => {
  test.each([
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "172.32.0.1",
    "100.128.0.1",
  ])("%s is", (address) => expect(isPublicAddress(address)).toBe(true));

  test.each([
    ...["0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254"],
    ...["172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1"],
    ...["198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1"],
    ...["255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a9fe:a9fe"],
    ...["64:ff9b:1::1", "100::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "ff02::1"],
    ...["2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "3fff::1", "localhost", ""],
  ])("%s is not", (address) => expect(isPublicAddress(address)).toBe(false));

  test("never, whatever is written around a private IPv4 address", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, (b, c, d) => {
        for (const address of [`10.${b}.${c}.${d}`, `127.${b}.${c}.${d}`, `192.168.${c}.${d}`]) {
          expect(isPublicAddress(address)).toBe(false);
          expect(isPublicAddress(`::ffff:${address}`)).toBe(false);
        }
      }),
    );
  });
});

describe("a destination is refused", () => {
  test.each([
    ["http://example.com/a.png", /https/],
    ["ftp://example.com/a.png", /https/],
    ["file:///etc/passwd", /https/],
    ["https://user:secret@example.com/", /password/],
    ["https://example.com:22/", /port 22/],
    ["https://127.0.0.1/", /public internet/],
    ["https://2130706433/", /public internet/],
    ["https://0x7f.1/", /public internet/],
    ["https://[::1]/", /public internet/],
    ["https://[::ffff:169.254.169.254]/", /public internet/],
    ["https://inside.test/", /public internet/],
    ["https://both.test/", /public internet/],
    ["https://nowhere.test/", /no address/],
    ["not an address", /no address/],
    [`https://example.com/${"a".repeat(3000)}`, /no address/],
  ])("%s", async (url, reason) => {
    const reach = internet({
      "example.com": ["93.184.216.34"],
      "inside.test": ["10.0.0.5"],
      "both.test": ["93.184.216.34", "169.254.169.254"],
    });
    const found = await findDestination(url, reach, forever);
    expect(found).toMatchObject({ ok: false, refusal: expect.stringMatching(reason) });
  });

  test("never for a public name, whose checked address is the one to connect to", async () => {
    const found = await findDestination(
      "https://example.com/a.png",
      internet({ "example.com": ["93.184.216.34"] }),
      forever,
    );
    expect(found).toMatchObject({ ok: true, value: { addresses: ["93.184.216.34"] } });
  });
});

describe("where private networks are allowed, the system's own ports are not", () => {
  const names: Readonly<Record<string, readonly string[]>> = {
    localhost: ["::1", "127.0.0.1"],
    "me.test": ["127.0.1.1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "half.test": ["10.0.0.5", "127.0.0.1"],
    "neighbour.test": ["10.0.0.5"],
    "public.test": ["93.184.216.34"],
  };
  const local: Reach = {
    resolve: async (host) => names[host] ?? [],
    allowsPrivate: true,
    forbiddenPorts: [8787, 443],
  };
  const ours = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ scopeid }) => scopeid === undefined || scopeid === 0)
    .map(({ address, family }) => (family === "IPv6" ? `[${address}]` : address));

  test.each([
    ...["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.8.9.10"],
    ...["0", "0.0.0.0", "0.1.2.3", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
    ...["[::127.0.0.1]", "[0:0:0:0:0:0:0:1]", "me.test", "mapped.test", "half.test", ...ours],
  ])("%s is this machine", async (name) => {
    const found = await findDestination(`http://${name}:8787/`, local, forever);
    expect(found).toEqual({ ok: false, refusal: "it leads to this service itself" });
    expect(await findDestination(`http://${name}:8788/`, local, forever)).toMatchObject({
      ok: true,
    });
  });

  test("a port that goes without saying counts as well", async () => {
    const [https, http] = ["https", "http"].map((scheme) => `${scheme}://localhost/`);
    expect(await findDestination(https ?? "", local, forever)).toMatchObject({ ok: false });
    expect(await findDestination(http ?? "", local, forever)).toMatchObject({ ok: true });
  });

  test.each(["neighbour.test", "public.test"])("%s is another machine", async (name) => {
    const found = await findDestination(`http://${name}:8787/`, local, forever);
    expect(found).toMatchObject({ ok: true });
  });

  test("a redirect does not lead there, and a webhook is not delivered there", async () => {
    let asked = 0;
    const own = await host((_, response) => {
      asked += 1;
      response.end("door");
    });
    const door = await host((_, response) => response.writeHead(302, { location: own }).end());
    const reach = { ...anywhere, forbiddenPorts: [Number(new URL(own).port)] };
    expect(await fetchImage(imageOrder(door), reach, forever)).toMatchObject({
      refusal: {
        kind: "image_fetch_blocked",
        reason: "it redirects: it leads to this service itself",
      },
    });
    const order = {
      purpose: "webhook",
      url: own,
      headers: {},
      body: "{}",
      timeout_ms: 2_000,
    } as const;
    expect(await deliver(order, reach, forever, Date.now)).toMatchObject({ reason: "blocked" });
    expect(asked).toBe(0);
  });
});

describe("a picture is fetched", () => {
  test("from the address that was checked, under the name that was asked for", async () => {
    let asked = "";
    const url = await host((request, response) => {
      asked = request.headers.host ?? "";
      response.end("picture");
    });
    const file = await fetchImage(imageOrder(`${url}/a.png`), anywhere, forever);
    expect(file.ok && new TextDecoder().decode(file.value)).toBe("picture");
    expect(asked).toMatch(/^picture\.test:/);
  });

  test("without a second look at the name: what it says later does not matter", async () => {
    const url = await host((_, response) => response.end("picture"));
    const answers = ["127.0.0.1", "10.0.0.1"];
    let looks = 0;
    const rebinding: Reach = {
      ...anywhere,
      resolve: async () => [answers[looks++] ?? "10.0.0.1"],
    };
    const file = await fetchImage(imageOrder(url), rebinding, forever);
    expect([file.ok, looks]).toEqual([true, 1]);
  });

  test("over up to three redirects, each checked anew", async () => {
    const url = await host((request, response) => {
      const hop = Number(request.url?.slice(1));
      if (hop < 3) response.writeHead(302, { location: `/${hop + 1}` }).end();
      else response.end("there");
    });
    expect(await fetchImage(imageOrder(`${url}/0`), anywhere, forever)).toMatchObject({ ok: true });
    const endless = await host((_, response) => response.writeHead(302, { location: "/" }).end());
    expect(await fetchImage(imageOrder(endless), anywhere, forever)).toMatchObject({
      refusal: { kind: "image_fetch_failed", reason: expect.stringContaining("3 times") },
    });
  });

  test("never from a private address that a public one redirects to", async () => {
    const url = await host((_, response) =>
      response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end(),
    );
    // The first hop stands for a public host; what it redirects to is looked at as any other address.
    let hops = 0;
    const reach: Reach = {
      ...anywhere,
      get allowsPrivate() {
        hops += 1;
        return hops <= 1;
      },
    };
    const fetched = await fetchImage(imageOrder(url), reach, forever);
    expect(fetched).toMatchObject({ ok: false, refusal: { kind: "image_fetch_blocked" } });
    expect(JSON.stringify(fetched)).toContain("redirects");
  });

  test.each<[string, RequestListener, object]>([
    [
      "is not there",
      (_, response) => response.writeHead(404).end("secret words"),
      { kind: "image_fetch_refused", reason: "its host answered 404" },
    ],
    [
      "is overloaded",
      (_, response) => response.writeHead(429).end(),
      { kind: "image_fetch_failed", reason: "its host answered 429" },
    ],
    [
      "is broken",
      (_, response) => response.writeHead(503).end(),
      { kind: "image_fetch_failed", reason: "its host answered 503" },
    ],
    [
      "never ends",
      (_, response) => {
        response.writeHead(200);
        const chunk = Buffer.alloc(1024 * 1024);
        const pump = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on("drain", pump);
        pump();
      },
      { kind: "image_file_too_large", limitBytes: MAX_IMAGE_BYTES },
    ],
    [
      "breaks off",
      (_, response) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write("a");
        setTimeout(() => response.destroy(), 20);
      },
      { kind: "image_fetch_failed" },
    ],
    [
      "has headers without end",
      (_, response) => response.writeHead(200, { "x-long": "a".repeat(64 * 1024) }).end("x"),
      { kind: "image_fetch_failed", reason: "its host's headers are too long" },
    ],
  ])(
    "and refused where it %s, without a word of what the host said",
    async (_, listener, refusal) => {
      const url = await host(listener);
      const fetched = await fetchImage(imageOrder(url), anywhere, forever);
      expect(fetched).toMatchObject({ ok: false, refusal: { image: 0, ...refusal } });
      expect(JSON.stringify(fetched)).not.toContain("secret");
    },
  );

  test.each<[string, RequestListener]>([
    ["says nothing", () => undefined],
    [
      "drips",
      (_, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write("a"), 20);
        response.on("close", () => clearInterval(timer));
      },
    ],
  ])("and given up as our own time-out where its host %s", async (_, listener) => {
    const url = await host(listener);
    expect(await fetchImage(imageOrder(url, 150), anywhere, forever)).toMatchObject({
      refusal: { kind: "image_fetch_timeout", seconds: 0.15 },
    });
  });
});

describe("a webhook is delivered", () => {
  const order = (url: string, timeout_ms = 2_000) =>
    ({
      purpose: "webhook",
      url,
      headers: { "webhook-id": "evt_1" },
      body: "{}",
      timeout_ms,
    }) as const;

  test("with its headers and body, and its receiver's status told", async () => {
    const seen: string[] = [];
    const url = await host(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      seen.push(request.method ?? "", String(request.headers["webhook-id"]), body);
      response.writeHead(204).end();
    });
    const reply = await deliver(order(url), anywhere, forever, Date.now);
    expect(reply).toMatchObject({ outcome: "response", status: 204, location: null });
    expect(seen).toEqual(["POST", "evt_1", "{}"]);
  });

  test("not to where a redirect points, which is told", async () => {
    let followed = 0;
    const url = await host((request, response) => {
      if (request.url === "/new") followed += 1;
      response.writeHead(301, { location: "/new", "retry-after": "7" }).end();
    });
    const reply = await deliver(order(url), anywhere, forever, Date.now);
    expect(reply).toMatchObject({ status: 301, location: "/new", retry_after: "7" });
    expect(followed).toBe(0);
  });

  test("not to private addresses, and given up in time", async () => {
    const reach = internet({ "inside.test": ["192.168.0.1"] });
    expect(await deliver(order("https://inside.test/"), reach, forever, Date.now)).toMatchObject({
      outcome: "failed",
      reason: "blocked",
    });
    const silent = await host(() => undefined);
    expect(await deliver(order(silent, 100), anywhere, forever, Date.now)).toMatchObject({
      reason: "timeout",
    });
    const nobody = await deliver(order("http://picture.test:2"), anywhere, forever, Date.now);
    expect(nobody).toMatchObject({ reason: "unreachable" });
  });
});
