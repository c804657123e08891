import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressRefusal } from "#wire/function/fetch.ts";
import {
  type AddressRange,
  GLOBAL_6,
  isPublicAddress,
  SPECIAL_4,
  SPECIAL_6,
} from "#wire/public-address.ts";

function listOf(ranges: readonly AddressRange[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
  return list;
}

const [special4, global6, special6] = [
  listOf(SPECIAL_4, "ipv4"),
  listOf(GLOBAL_6, "ipv6"),
  listOf(SPECIAL_6, "ipv6"),
];

/** Addresses at and around the ends of the ranges, where a reader is off by one. */
function edges(ranges: readonly AddressRange[], bits: 32 | 128): fc.Arbitrary<bigint> {
  const bounds = ranges.flatMap(([network, prefix]) => {
    const start =
      bits === 32
        ? network.split(".").reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
        : BigInt(
            `0x${network
              .replace("::", "")
              .split(":")
              .map((group) => group.padStart(4, "0"))
              .join("")
              .padEnd(32, "0")}`,
          );
    const end = start + (1n << BigInt(bits - prefix));
    return [start - 1n, start, start + 1n, end - 1n, end, end + 1n];
  });
  const any = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n });
  const valid = bounds.filter((one) => one >= 0n && one < 1n << BigInt(bits));
  return fc.oneof(any, fc.constantFrom(...valid));
}

function dotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join(".");
}

function groups(value: bigint): string {
  const hex = value.toString(16).padStart(32, "0");
  return (hex.match(/.{4}/g) ?? []).join(":");
}

describe("an address is public", () => {
  test("exactly where Node's own list of the same ranges says so", () => {
    fc.assert(
      fc.property(edges(SPECIAL_4, 32), edges([...GLOBAL_6, ...SPECIAL_6], 128), (four, six) => {
        expect(isPublicAddress(dotted(four))).toBe(!special4.check(dotted(four)));
        const isPublic = global6.check(groups(six), "ipv6") && !special6.check(groups(six), "ipv6");
        expect(isPublicAddress(groups(six))).toBe(isPublic);
        // However it is written.
        const short = new URL(`http://[${groups(six)}]/`).hostname.slice(1, -1);
        expect(isPublicAddress(short)).toBe(isPublic);
      }),
      { numRuns: 500 },
    );
  });
});

describe("an address that callers name", () => {
  test.each<[url: string, reason: RegExp]>([
    ["hello", /no address/],
    ["https://", /no address/],
    [`https://example.com/${"a".repeat(2048)}`, /no address/],
    ["http://example.com/", /https/],
    ["ftp://example.com/", /https/],
    ["https://ada@example.com/", /user name/],
    ["https://:secret@example.com/", /password/],
    ["https://example.com:8080/", /port 8080/],
    ["https://example.com:22/", /port 22/],
    ["https://10.0.0.1/", /public internet/],
    ["https://169.254.169.254/", /public internet/],
    ["https://2130706433/", /public internet/],
    ["https://0x7f.1/", /public internet/],
    ["https://0177.0.0.1/", /public internet/],
    ["https://[::1]/", /public internet/],
    ["https://[::ffff:8.8.8.8]/", /public internet/],
    ["https://[fd00::1]/", /public internet/],
    ["https://localhost/", /public internet/],
    ["https://LOCALHOST./", /public internet/],
    ["https://api.localhost/", /public internet/],
    ["https://printer.local/", /public internet/],
    ["https://metadata.google.internal/", /public internet/],
    ["https://router.home.arpa/", /public internet/],
    ["https://x.onion/", /public internet/],
  ])("%s is refused without asking anybody", (url, reason) => {
    expect(addressRefusal(url, false)).toMatch(reason);
  });

  test.each([
    "https://example.com/",
    "https://example.com:8443/a?b=c",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]/",
    "https://mylocal/",
    "https://notlocalhost.com/",
    "https://bücher.example/",
  ])("%s may work", (url) => expect(addressRefusal(url, false)).toBeNull());

  test.each([0, 25, 6667, 10080])(
    "port %i is refused there too, as fetch does: no web server can be reached at it",
    (port) => {
      expect(addressRefusal(`http://127.0.0.1:${port}/`, true)).toBe(`port ${port} is not allowed`);
    },
  );

  test("every port that is refused is one that this runtime's own fetch refuses", async () => {
    for (let port = 1; port <= 10_100; port += 1) {
      if (addressRefusal(`http://127.0.0.1:${port}/`, true) === null) continue;
      const asked = fetch(`http://127.0.0.1:${port}/`);
      await expect(asked, String(port)).rejects.toMatchObject({ cause: { message: "bad port" } });
    }
  });

  test.each(["http://127.0.0.1:9000/hook", "http://localhost:3000/", "https://[::1]:4/"])(
    "%s may work on a stack that reaches private networks",
    (url) => expect(addressRefusal(url, true)).toBeNull(),
  );
});
