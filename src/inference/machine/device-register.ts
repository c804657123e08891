import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** A process that computes on a device of this machine. */
export interface DeviceUser {
  readonly pid: number;
  /** Provider and device: `cuda:0`. */
  readonly device: string;
  readonly model: string;
  /** Bytes of weights that it brings there. */
  readonly bytes: number;
}

/**
 * Who computes on the devices of this machine, as each process says of itself in a file: two on one GPU are allowed, and where its
 * memory is full the one that comes later can say who has it. Nothing is locked: a file of a process that has ended is passed over
 * and deleted.
 */
export interface DeviceRegister {
  /** Writes this process down, and returns the others on the same device. */
  enter(user: DeviceUser): Promise<readonly DeviceUser[]>;
  leave(pid: number): Promise<void>;
}

/** Opens the register in a folder. `isAlive` says whether there is such a process. */
export function openDeviceRegister(
  folder: string,
  isAlive: (pid: number) => boolean = isRunning,
): DeviceRegister {
  const fileOf = (pid: number): string => path.join(folder, `${pid}.json`);
  return {
    async enter(user) {
      await mkdir(folder, { recursive: true });
      await writeFile(fileOf(user.pid), JSON.stringify(user));
      const others: DeviceUser[] = [];
      for (const name of await readdir(folder)) {
        const other = await readUser(path.join(folder, name));
        if (other === undefined || other.pid === user.pid) continue;
        if (!isAlive(other.pid)) await rm(fileOf(other.pid), { force: true });
        else if (other.device === user.device) others.push(other);
      }
      return others;
    },
    leave: async (pid) => await rm(fileOf(pid), { force: true }),
  };
}

/** Says in one clause who else computes on the device, with their numbers; empty where nobody does. */
export function sharedWith(others: readonly DeviceUser[]): string {
  const users = others.map(
    ({ pid, model, bytes }) => `process ${pid} (${model}, ${(bytes / 1e9).toFixed(2)} GB)`,
  );
  return users.length === 0 ? "" : `; on the same device: ${users.join(", ")}`;
}

/** What is half written, or no longer there, is nobody's. */
async function readUser(file: string): Promise<DeviceUser | undefined> {
  try {
    const { pid, device, model, bytes }: DeviceUser = JSON.parse(await readFile(file, "utf8"));
    const isOne = Number.isSafeInteger(pid) && pid > 0 && Number.isFinite(bytes);
    return isOne && typeof device === "string" ? { pid, device, model, bytes } : undefined;
  } catch {
    return undefined;
  }
}

/** Signal 0 asks whether there is such a process; one that may not be signalled is there. Source: kill(2). */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}
