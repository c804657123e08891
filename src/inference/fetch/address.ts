import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";
import type { AddressRange } from "#wire/public-address.ts";

/** Addresses that lead back to this machine whatever its network is; an unspecified one does, on Linux. */
const own = listOf(
  [
    ["127.0.0.0", 8],
    ["0.0.0.0", 8],
  ],
  "ipv4",
);
own.addSubnet("::", 96, "ipv6");

const linkLocal4 = listOf([["169.254.0.0", 16]], "ipv4");

/** Whether an address is where clouds keep a machine's own secrets: out of reach even where private networks are allowed. */
export function isLinkLocal(address: string): boolean {
  return isIP(address) === 4
    ? linkLocal4.check(address, "ipv4")
    : /^(fe[89ab]|::ffff:a9fe|::ffff:169\.254)/i.test(address);
}

/** Whether a connection to an address, as text, ends at this machine: loopback in every spelling, or an interface of it. */
export function isThisMachine(address: string): boolean {
  const [bare = ""] = address.split("%");
  const family = isIP(bare);
  if (family === 0) return false;
  const here = new BlockList();
  for (const { address: ours } of Object.values(networkInterfaces()).flatMap((list) => list ?? []))
    here.addAddress(ours, isIP(ours) === 4 ? "ipv4" : "ipv6");
  const kind = family === 4 ? "ipv4" : "ipv6";
  return own.check(bare, kind) || here.check(bare, kind);
}

function listOf(ranges: readonly AddressRange[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
  return list;
}
