import { BlockList, isIPv6 } from "node:net";

/** Addresses of machines, networks and clouds that nobody's picture lies at. */
export const PRIVATE: readonly string[] = [
  "10.1.2.3",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "169.254.169.254",
  "127.0.0.1",
  "100.64.0.1",
  "0.0.0.0",
  "224.0.0.1",
  "::1",
  "fd00::1",
  "fe80::1",
  "64:ff9b::a00:1",
  "::ffff:10.0.0.1",
];

export const PUBLIC: readonly string[] = ["1.1.1.1", "8.8.8.8", "2606:4700::1111"];

/** Whether an address lies in a network, written as `10.0.0.0/8`. */
export function isInside(cidr: string, address: string): boolean {
  const [net = "", bits = ""] = cidr.split("/");
  if (isIPv6(net) !== isIPv6(address)) return false;
  const kind = isIPv6(address) ? "ipv6" : "ipv4";
  const list = new BlockList();
  list.addSubnet(net, Number(bits), kind);
  return list.check(address, kind);
}
