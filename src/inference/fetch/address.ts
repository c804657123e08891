import { BlockList, isIP } from "node:net";
import { networkInterfaces } from "node:os";

/**
 * Addresses that no caller may have us connect to: this host, private networks, link-local (cloud metadata), multicast,
 * documentation, and the ranges that carry another address inside them.
 * Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
 */
const special4: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Of IPv6 only what is given out as global unicast may be reached at all. */
const global6: readonly (readonly [network: string, prefix: number])[] = [["2000::", 3]];

const special6: readonly (readonly [network: string, prefix: number])[] = [
  // Teredo, ORCHID and everything else that IETF protocols use.
  ["2001::", 23],
  ["2001:db8::", 32],
  // 6to4: an IPv4 address inside.
  ["2002::", 16],
  ["2620:4f:8000::", 48],
  ["3fff::", 20],
];

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
const refused4 = listOf(special4, "ipv4");
const global = listOf(global6, "ipv6");
const refused6 = listOf(special6, "ipv6");

/** Whether an address, as text, is one that anybody on the internet could reach. Anything that is no address is not. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !refused4.check(address, "ipv4");
  // A scope ("%eth0") names an interface of this machine.
  if (family !== 6 || address.includes("%")) return false;
  return global.check(address, "ipv6") && !refused6.check(address, "ipv6");
}

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

function listOf(
  ranges: readonly (readonly [network: string, prefix: number])[],
  family: "ipv4" | "ipv6",
): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
  return list;
}
