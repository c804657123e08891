import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { parseConfig, parseFetchConfig } from "#inference/config.ts";

const complete = {
  UNMASK_S3_ENDPOINT: "http://127.0.0.1:9000",
  UNMASK_S3_BUCKET: "weights",
  UNMASK_S3_ACCESS_KEY_ID: "id",
  UNMASK_S3_SECRET_ACCESS_KEY: "secret",
  UNMASK_TICKET_KEYS:
    '[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"one"}]',
};

describe("the function's configuration", () => {
  test("needs only the store and the keys of the edge", () => {
    const config = parseConfig(complete);
    expect(config).toMatchObject({
      host: "127.0.0.1",
      port: 8788,
      provider: "cpu",
      queueLength: 16,
      answersAtOnce: 4,
      featureBytes: 256 * 1024 ** 2,
      prefixBytes: 4_294_967_296,
    });
    expect(config.ticketKeys[0]?.kid).toBe("one");
    expect("shardCache" in config).toBe(false);
  });

  test("says where CUDA lies and which GPU it takes only where that is the provider", () => {
    expect("cuda" in parseConfig({ ...complete, UNMASK_CUDA_DEVICE: "1" })).toBe(false);
    const chosen = { ...complete, UNMASK_PROVIDER: "cuda", HOME: "/home/me" };
    expect(parseConfig(chosen).cuda).toEqual({
      folder: "/home/me/.local/share/unmask/cuda-1.30.0",
      device: 0,
    });
    expect(parseConfig({ ...chosen, XDG_DATA_HOME: "/data" }).cuda?.folder).toBe(
      "/data/unmask/cuda-1.30.0",
    );
    const told = {
      UNMASK_CUDA_FOLDER: "/opt/cuda",
      UNMASK_CUDA_DEVICE: "3",
      UNMASK_CUDA_ARENA_BYTES: "1000",
    };
    expect(parseConfig({ ...chosen, ...told }).cuda).toEqual({
      folder: "/opt/cuda",
      device: 3,
      arenaLimitBytes: 1000,
    });
    for (const [name, value] of [
      ["UNMASK_CUDA_DEVICE", "-1"],
      ["UNMASK_CUDA_DEVICE", "GPU-5"],
      ["UNMASK_CUDA_ARENA_BYTES", "0"],
    ] as const)
      expect(() => parseConfig({ ...chosen, [name]: value })).toThrow(name);
  });

  test("reads weights from a bucket, from the part of it below a prefix, or from a folder that needs no bucket", () => {
    const config = {
      ...{ endpoint: "http://127.0.0.1:9000", region: "auto", bucket: "weights" },
      ...{ accessKeyId: "id", secretAccessKey: "secret" },
    };
    expect(parseConfig(complete).store).toEqual({ kind: "s3", config, prefix: "" });
    const below = parseConfig({ ...complete, UNMASK_S3_PREFIX: "/models/mine/" });
    expect(below.store).toEqual({ kind: "s3", config, prefix: "models/mine" });
    const { UNMASK_TICKET_KEYS } = complete;
    const folder = parseConfig({ UNMASK_TICKET_KEYS, UNMASK_BUNDLE: "/mnt/llada-v" });
    expect(folder.store).toEqual({ kind: "folder", folder: "/mnt/llada-v" });
    expect(() => parseConfig({ UNMASK_TICKET_KEYS, UNMASK_BUNDLE: "" })).toThrow(/UNMASK_BUNDLE/);
    expect(() => parseConfig({ UNMASK_TICKET_KEYS })).toThrow(
      /UNMASK_S3_ENDPOINT: [\s\S]*UNMASK_S3_BUCKET: /,
    );
  });

  test("listens on the port that a host of containers says in PORT, unless it has one of its own", () => {
    expect(parseConfig({ ...complete, PORT: "8080" }).port).toBe(8080);
    expect(parseConfig({ ...complete, PORT: "8080", UNMASK_PORT: "9000" }).port).toBe(9000);
    const { UNMASK_TICKET_KEYS } = complete;
    expect(parseFetchConfig({ UNMASK_TICKET_KEYS, PORT: "8080" }).port).toBe(8080);
    for (const words of ["", "65536", "-1", "80.5", "http"])
      expect(() => parseConfig({ ...complete, PORT: words })).toThrow(/\n {2}PORT: /);
    // Where both are said, PORT is somebody else's.
    expect(parseConfig({ ...complete, PORT: "none", UNMASK_PORT: "9000" }).port).toBe(9000);
  });

  test("says what to do where a Kubernetes Service of its name has put an address into UNMASK_PORT", () => {
    expect(() => parseConfig({ ...complete, UNMASK_PORT: "tcp://10.96.0.1:80" })).toThrow(
      /UNMASK_PORT: .*enableServiceLinks: false/,
    );
  });

  test("listens on this machine alone until it is told otherwise, and says so where a host of containers speaks", () => {
    expect(parseConfig(complete).host).toBe("127.0.0.1");
    expect(parseConfig(complete).hint).toBeUndefined();
    expect(parseConfig({ ...complete, PORT: "8080" }).hint).toContain("UNMASK_HOST=0.0.0.0");
    const open = parseConfig({ ...complete, PORT: "8080", UNMASK_HOST: "0.0.0.0" });
    expect([open.host, open.hint]).toEqual(["0.0.0.0", undefined]);
  });

  test("takes no token for its metrics that could be tried out", () => {
    expect(parseConfig(complete).metricsToken).toBeUndefined();
    const told = { ...complete, UNMASK_METRICS_TOKEN: "m".repeat(16) };
    expect(parseConfig(told).metricsToken).toBe("m".repeat(16));
    expect(() => parseConfig({ ...told, UNMASK_METRICS_TOKEN: "short" })).toThrow(
      /UNMASK_METRICS_TOKEN/,
    );
  });

  test("puts aside what need not be in memory: where it is told, beside the shards, or where temporary files go", () => {
    expect(parseConfig(complete).scratch).toBe(tmpdir());
    const cached = { ...complete, UNMASK_SHARD_CACHE: "/var/shards" };
    expect(parseConfig(cached).scratch).toBe("/var/shards");
    expect(parseConfig({ ...cached, UNMASK_SCRATCH: "/mnt/disk" }).scratch).toBe("/mnt/disk");
  });

  test("fetches from the public internet alone unless it is told otherwise in so many words", () => {
    expect(parseConfig(complete).allowsPrivateFetch).toBe(false);
    const allowed = { ...complete, UNMASK_FETCH_PRIVATE: "allow" };
    expect(parseConfig(allowed).allowsPrivateFetch).toBe(true);
    for (const word of ["", "true", "1", "Allow"])
      expect(() => parseConfig({ ...complete, UNMASK_FETCH_PRIVATE: word })).toThrow(
        /UNMASK_FETCH_PRIVATE/,
      );
  });

  test("knows the ports that it must not fetch from", () => {
    expect(parseConfig(complete).forbiddenFetchPorts).toEqual([]);
    const told = { ...complete, UNMASK_FETCH_FORBIDDEN: "8787, 39001" };
    expect(parseConfig(told).forbiddenFetchPorts).toEqual([8787, 39001]);
    for (const list of ["0", "8787,door", "65536", "1.5"])
      expect(() => parseConfig({ ...complete, UNMASK_FETCH_FORBIDDEN: list })).toThrow(
        /UNMASK_FETCH_FORBIDDEN/,
      );
  });

  test("names every variable that is missing or wrong, all at once", () => {
    const broken = {
      ...complete,
      UNMASK_S3_BUCKET: undefined,
      UNMASK_PORT: "-1",
      UNMASK_TICKET_KEYS: "{",
    };
    expect(() => parseConfig(broken)).toThrow(
      /UNMASK_PORT[\s\S]*UNMASK_TICKET_KEYS[\s\S]*UNMASK_S3_BUCKET/,
    );
  });
});

describe("the fetch hop's configuration", () => {
  test("needs the tickets' keys alone: no model, no weights, a port of its own", () => {
    const { UNMASK_TICKET_KEYS } = complete;
    expect(parseFetchConfig({ UNMASK_TICKET_KEYS })).toMatchObject({
      ...{ host: "127.0.0.1", port: 8789, allowsPrivateFetch: false, forbiddenFetchPorts: [] },
    });
    expect(() => parseFetchConfig({ UNMASK_FETCH_PRIVATE: "perhaps" })).toThrow(
      /the fetch hop[\s\S]*UNMASK_TICKET_KEYS[\s\S]*UNMASK_FETCH_PRIVATE/,
    );
  });
});

describe("where a host asks how a function is", () => {
  test("is where it listens: another port is refused by name, since nobody would answer there", () => {
    expect(parseConfig({ ...complete, PORT: "80", PORT_HEALTH: "80" }).port).toBe(80);
    expect(() => parseConfig({ ...complete, PORT: "80", PORT_HEALTH: "81" })).toThrow(
      "PORT_HEALTH is 81, where nobody would answer: everything is served at 80",
    );
    expect(() => parseFetchConfig({ ...complete, PORT_HEALTH: "81" })).toThrow("served at 8789");
  });
});
