import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process of this machine, as Linux tells it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes that are alive, on Linux. */
export function liveProcesses(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => entryOf(Number(name)) ?? []);
}

/** The processes that descend from one, itself included. */
export function descendantsOf(pid: number): ProcessEntry[] {
  const all = liveProcesses();
  const family = new Set([pid]);
  // A child may stand before its parent in the list, so as many rounds as there are generations.
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const entry of all) if (family.has(entry.parent)) family.add(entry.pid);
  }
  return all.filter((entry) => family.has(entry.pid));
}

function entryOf(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in brackets and may hold anything; behind it: state, parent.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return undefined; // ended, and not yet looked at by its parent
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return { pid, parent: Number(parent), command };
  } catch {
    return undefined; // ended while we looked
  }
}

/** A socket that waits for connections. */
export interface Listener {
  /** As the kernel writes it: `0100007F` is 127.0.0.1. */
  readonly address: string;
  readonly port: number;
}

/** What the processes listen on, on Linux. */
export function listenersOf(pids: readonly number[]): Listener[] {
  const inodes = new Set(pids.flatMap(socketInodesOf));
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) =>
    readFileSync(table, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode = ""]) => state === LISTENING && inodes.has(inode))
      .map(([, local = ""]) => {
        const [address = "", port = ""] = local.split(":");
        return { address, port: Number.parseInt(port, 16) };
      }),
  );
}

const LISTENING = "0A";

function socketInodesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
      return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [];
    } catch {
      return []; // closed while we looked
    }
  });
}
