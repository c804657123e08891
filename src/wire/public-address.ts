/**
 * Addresses that no caller may have us connect to: this host, private networks, link-local (cloud metadata), multicast,
 * documentation, and the ranges that carry another address inside them.
 * Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
 */
export const SPECIAL_4: readonly AddressRange[] = [
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
export const GLOBAL_6: readonly AddressRange[] = [["2000::", 3]];

export const SPECIAL_6: readonly AddressRange[] = [
  // Teredo, ORCHID and everything else that IETF protocols use.
  ["2001::", 23],
  ["2001:db8::", 32],
  // 6to4: an IPv4 address inside.
  ["2002::", 16],
  ["2620:4f:8000::", 48],
  ["3fff::", 20],
];

export type AddressRange = readonly [network: string, prefix: number];

/** Top-level names that lead to nobody on the internet, whoever is asked. Source: RFC 6761, RFC 6762, RFC 7686, RFC 8375, ICANN. */
const LOCAL_NAMES: readonly string[] = [
  ...["localhost", "local", "internal", "home.arpa", "invalid", "onion"],
];

/** Whether an address, as text, is one that anybody on the internet could reach. Anything that is no address is not. */
export function isPublicAddress(address: string): boolean {
  const number = numberOf(address);
  if (number === null) return false;
  const isIn = (range: AddressRange): boolean => isInRange(number, range);
  return number.bits === 32 ? !SPECIAL_4.some(isIn) : GLOBAL_6.some(isIn) && !SPECIAL_6.some(isIn);
}

/**
 * Says, without asking anybody, why nothing on the internet can be reached under a host of a parsed URL: an address that is
 * not public, or a name that never leads to one. Null where it may.
 */
export function localHostRefusal({ hostname }: URL): string | null {
  const isAddress = hostname.startsWith("[") || DOTTED.test(hostname);
  if (isAddress) return isPublicAddress(hostname.replaceAll(/[[\]]/g, "")) ? null : NOT_PUBLIC;
  const name = hostname.replace(/\.$/, "");
  const isLocal = LOCAL_NAMES.some((local) => name === local || name.endsWith(`.${local}`));
  return isLocal ? NOT_PUBLIC : null;
}

export const NOT_PUBLIC = "its host is not on the public internet";

interface AddressNumber {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Dotted decimal as addresses are written when they are not to be mistaken for octal: no leading zeros. */
const DOTTED = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function numberOf(address: string): AddressNumber | null {
  if (DOTTED.test(address)) {
    const value = address.split(".").reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return { bits: 32, value };
  }
  // A scope ("%eth0") names an interface of this machine, and no URL may have one.
  if (!/^[0-9a-f:.]+$/i.test(address) || !URL.canParse(`http://[${address}]/`)) return null;
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = [], tail] = canonical
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - (tail?.length ?? 0) }, () => "0");
  const groups = [...head, ...zeros, ...(tail ?? [])];
  const value = groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
  return { bits: 128, value };
}

function isInRange({ bits, value }: AddressNumber, [network, prefix]: AddressRange): boolean {
  const shift = BigInt(bits - prefix);
  const start = numberOf(network)?.value ?? 0n;
  return value >> shift === start >> shift;
}
