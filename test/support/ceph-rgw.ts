import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import type { S3Config } from "#weights/s3.ts";
import { freePort } from "../../infra/local/ports.ts";
import {
  answers,
  type LocalProcess,
  lastLines,
  startProcess,
  waitUntil,
} from "../../infra/local/processes.ts";

/** A running Ceph cluster whose gateway speaks S3. */
export interface CephRgw {
  readonly config: S3Config;
  close(): Promise<void>;
}

/** A start can lose its ports to another program between finding and taking them; the next one has new ports. */
const START_ATTEMPTS = 2;
/** The gateway makes its pools before it listens: 1 s, or 10 s beside ten busy loops on two cores. */
const GATEWAY_TIMEOUT_MS = 30_000;
/** A tool needs a second; without a limit `ceph` waits five minutes for a monitor that is not there. */
const TOOL_TIMEOUT_MS = 20_000;
/** A daemon that is told to end needs half a second, and holds nothing worth waiting for. */
const STOP_GRACE_MS = 5_000;
/** A run of the contracts stores less than 100 MB; the OSD takes memory only for what is there. */
const STORE_BYTES: number = 1024 * 1024 * 1024;

/** `setpriv` (util-linux) has the kernel end a daemon whose test run died without closing it. */
const PROGRAMS = [
  "ceph",
  "ceph-mon",
  "ceph-osd",
  "monmaptool",
  "radosgw",
  "radosgw-admin",
  "setpriv",
] as const;

type Program = (typeof PROGRAMS)[number];

/** Says whether every program that `startCephRgw` runs is on the PATH. Starts nothing. */
export function cephIsInstalled(): boolean {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return PROGRAMS.every((program) =>
    folders.some((folder) => existsSync(path.join(folder, program))),
  );
}

/**
 * Starts a Ceph cluster with an empty bucket: one monitor, one OSD in memory, one gateway, all on 127.0.0.1, without
 * systemd, in a folder that goes away with it.
 * Throws an Error with the end of the log of the daemon that did not come up.
 */
export async function startCephRgw(): Promise<CephRgw> {
  const faults: unknown[] = [];
  while (faults.length < START_ATTEMPTS) {
    const folder = await mkdtemp(path.join(tmpdir(), "unmask-ceph-"));
    const cluster = new Cluster(folder);
    try {
      return { config: await startGateway(cluster), close: () => cluster.close() };
    } catch (fault) {
      faults.push(fault);
      await cluster.close();
    }
  }
  throw new AggregateError(faults, `the Ceph cluster did not start:\n${faults.join("\n")}`);
}

/** The order is the one in which the parts need each other. Source: Ceph documentation, "Manual Deployment". */
async function startGateway(cluster: Cluster): Promise<S3Config> {
  const clusterId = randomUUID();
  const osdId = randomUUID(); // the OSD registers by it, so that both commands below must name the same one
  const monitorPort = await freePort();
  const gatewayPort = await freePort();
  await cluster.write(
    "ceph.conf",
    clusterConfig(cluster.folder, { clusterId, monitorPort, gatewayPort }),
  );
  await cluster.write("keyring", keyring());
  await mkdir(cluster.path("mon"));
  await mkdir(cluster.path("osd"));

  const monitors = cluster.path("monmap");
  const address = `[v2:127.0.0.1:${monitorPort}]`; // a monitor takes its port from this map, not from ceph.conf
  await cluster.tool(
    "monmaptool",
    "--create",
    "--fsid",
    clusterId,
    "--addv",
    "a",
    address,
    monitors,
  );
  await cluster.tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors);
  cluster.daemon("ceph-mon", "-i", "a");
  await cluster.tool("ceph", "osd", "create", osdId, "0");
  await cluster.tool("ceph", "osd", "crush", "add", "osd.0", "1", "host=localhost", "root=default");
  await cluster.tool("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osdId);
  cluster.daemon("ceph-osd", "-i", "0");

  const gateway = cluster.daemon("radosgw", "-n", "client.admin");
  const endpoint = `http://127.0.0.1:${gatewayPort}`;
  await cluster.whileAlive((signal) =>
    waitUntil(gateway, () => answers(endpoint), { timeoutMs: GATEWAY_TIMEOUT_MS, signal }),
  );
  const accessKeyId = "unmask-test";
  const secretAccessKey = randomBytes(20).toString("hex");
  const user = ["--uid", "unmask-test", "--display-name", "Unmask's tests"];
  const keys = ["--access-key", accessKeyId, "--secret-key", secretAccessKey];
  await cluster.tool("radosgw-admin", "user", "create", ...user, ...keys);
  const config = { endpoint, region: "us-east-1", bucket: "models", accessKeyId, secretAccessKey };
  await createBucket(config);
  return config;
}

/** The programs of one cluster, which all read the same `ceph.conf` and end together. */
class Cluster {
  readonly folder: string;
  readonly #daemons: LocalProcess[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(this.path(name), text, { mode: 0o600 });
  }

  daemon(program: Program, ...args: readonly string[]): LocalProcess {
    const inForeground = [program, "-c", this.path("ceph.conf"), "-f", ...args];
    const daemon = startProcess(program, ["setpriv", "--pdeathsig", "KILL", ...inForeground], {
      logFile: this.path(`${program}.log`),
      env: { CEPH_ARGS: "" },
    });
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Runs a program to its end. Throws an Error with what it printed if it fails or takes too long. */
  tool(program: Program, ...args: readonly string[]): Promise<void> {
    const options = ["-c", this.path("ceph.conf")];
    return this.whileAlive(async (signal) => {
      await promisify(execFile)(program, [...options, ...args], {
        env: { ...process.env, CEPH_ARGS: "" },
        timeout: TOOL_TIMEOUT_MS,
        killSignal: "SIGKILL",
        signal,
      });
    });
  }

  /** Waits for `work`, but not for longer than every daemon lives: without one of them the others wait in vain. */
  async whileAlive(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const over = new AbortController();
    const losses = this.#daemons.map(async ({ name, ended, logFile }) => {
      throw new Error(`${name} ${await ended}:\n${lastLines(logFile, 20)}`);
    });
    try {
      await Promise.race([work(over.signal), ...losses]);
    } finally {
      over.abort();
    }
  }

  /** The last that was started goes first, since it needs the others. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) await daemon.stop(STOP_GRACE_MS);
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Source: Ceph documentation, "Configuration Reference". */
function clusterConfig(
  folder: string,
  ids: { readonly clusterId: string; readonly monitorPort: number; readonly gatewayPort: number },
): string {
  return `[global]
fsid = ${ids.clusterId}
mon host = [v2:127.0.0.1:${ids.monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
# The gateway never connects when authentication is "none".
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = ${folder}/keyring
mon data = ${folder}/mon
osd data = ${folder}/osd
crash dir = ${folder}
run dir = ${folder}
# Nobody asks by socket, and a socket's path may have 108 characters only, which a long TMPDIR exceeds.
admin socket =
log to file = false
log to stderr = true
mon cluster log to file = false
debug rocksdb = 0
osd objectstore = memstore
memstore device bytes = ${STORE_BYTES}
# One OSD holds everything once; each placement group more only takes time to make.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
rgw rados pool pg num min = 1
mon allow pool size one = true
# Every pool is a round of the monitor, which by default waits a second for company: 11 s become 1 s.
paxos propose interval = 0.05
# A monitor ends itself on a disk that is 95 % full, which the test's machine may well be.
mon data avail crit = 1
rgw frontends = beast endpoint=127.0.0.1:${ids.gatewayPort}
rgw enable apis = s3
rgw thread pool size = 32
`;
}

function keyring(): string {
  return `[mon.]
key = ${secretKey()}
caps mon = "allow *"
[client.admin]
key = ${secretKey()}
caps mon = "allow *"
caps osd = "allow *"
[osd.0]
key = ${secretKey()}
caps mon = "allow profile osd"
caps osd = "allow *"
`;
}

/**
 * Makes a key as `ceph-authtool --gen-key` does: type 1 (AES), time of creation in seconds and nanoseconds, length, 16 bytes.
 * Source: Ceph, src/auth/Crypto.cc (`CryptoKey::encode`).
 */
function secretKey(): string {
  const head = Buffer.alloc(12);
  head.writeUInt16LE(1, 0);
  head.writeUInt32LE(Math.floor(Date.now() / 1000), 2);
  head.writeUInt16LE(16, 10);
  return Buffer.concat([head, randomBytes(16)]).toString("base64");
}

async function createBucket({
  bucket,
  accessKeyId,
  secretAccessKey,
  ...at
}: S3Config): Promise<void> {
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ ...at, credentials, forcePathStyle: true });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } finally {
    client.destroy();
  }
}
