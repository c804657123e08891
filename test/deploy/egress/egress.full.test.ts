import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";

// The rules in a kernel, between network namespaces. Needs root, nft (nftables), ip (iproute2) and unshare.

const script = `${import.meta.dirname}/names.sh`;
const places = {
  public: ["1.1.1.1:443"],
  names: ["10.1.2.3:53"],
  refused: [
    "1.1.1.1:80",
    "10.1.2.3:443",
    "172.16.0.1:443",
    "192.168.1.1:443",
    "169.254.169.254:443",
    "169.254.169.254:80",
    "100.64.0.1:443",
    // The host itself, by its address on the bridge and by another.
    "172.31.0.1:443",
    "203.0.113.1:443",
  ],
};

/** What the hop reaches, place by place. */
function reached(rules: string): ReadonlyMap<string, string> {
  const told = execFileSync(
    "unshare",
    [
      ...["--net", "--mount", "--propagation", "private", "sh", script, rules],
      ...Object.values(places).flat(),
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 },
  );
  return new Map(
    told
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, string]),
  );
}

describe("the hop behind egress.nft", () => {
  test("reaches https on the internet and names, and no private network, no cloud's metadata, not its host", () => {
    const told = reached("infra/deploy/compose/egress.nft");
    for (const place of [...places.public, ...places.names])
      expect([place, told.get(place)]).toEqual([place, "reached"]);
    for (const place of places.refused)
      expect([place, told.get(place)]).toEqual([place, "EHOSTUNREACH"]);
  });

  test("reaches all of them where the rules are not loaded, so that they are what refuses", () => {
    expect(new Set(reached("none").values())).toEqual(new Set(["reached"]));
  });
});
