import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { BundleFormat, LoadedStage, TensorEntry } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import { fileStore } from "#inference/file-store.ts";
import { createSha256 } from "#inference/sha256.ts";
import type { StoredBundle } from "#weights/bundle-writer.ts";
import {
  type ConvertOptions,
  convertCheckpoint,
  type TensorReport,
} from "#weights/checkpoint/convert.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { blobKey, latestKey } from "#weights/manifest.ts";
import { memoryStore, type ObjectStore } from "#weights/object-store.ts";
import { unpackQ4 } from "#weights/q4.ts";
import { unpackInt8, unpackQ8, unpackQ8u, unpackR8, widenBf16 } from "#weights/quant.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { loadBundle } from "#weights/stream.ts";
import { WeightsError } from "#weights/weights-error.ts";
import {
  safetensorsFile,
  storeOf,
  TINY_CONFIG,
  tensorsOf,
} from "../../support/checkpoint-builder.ts";

const REFERENCE = "test/fixtures/reference";

async function convertReference(
  checkpoint: string,
  format: BundleFormat,
  overrides: Partial<ConvertOptions> = {},
): Promise<StoredBundle & { readonly store: ObjectStore }> {
  const store = overrides.store ?? memoryStore();
  const stored = await convertCheckpoint({
    checkpoint: storedCheckpoint(fileStore(`${REFERENCE}/${checkpoint}`)),
    name: checkpoint,
    version: "1",
    form: { format },
    idsOnly: true,
    createHasher: createSha256,
    shardBytes: 64 * 1024,
    ...overrides,
    store,
  });
  return { ...stored, store };
}

async function loadStages({
  store,
  bundle,
}: StoredBundle & { store: ObjectStore }): Promise<Map<string, LoadedStage>> {
  const stages = new Map<string, LoadedStage>();
  await loadBundle({
    store,
    bundle,
    createHasher: createSha256,
    acceptor: async (stage) => {
      stages.set(stage.layout.name, stage);
    },
  });
  return stages;
}

/** Reads a tensor of a loaded stage back to f32 in its logical shape. */
function decode(
  { bytes }: LoadedStage,
  { shape, encoding, block = 32, data, scales }: TensorEntry,
): Float32Array {
  const columns = shape[shape.length - 1] ?? 1;
  const part = (range = data): ArrayBuffer =>
    bytes.slice(range.offset, range.offset + range.bytes).buffer;
  const untransposed = (values: Float32Array | Float16Array): Float32Array => {
    const outputs = values.length / columns;
    return Float32Array.from(
      values,
      (_, index) => values[(index % columns) * outputs + Math.floor(index / columns)] ?? 0,
    );
  };
  switch (encoding) {
    case "f32":
      return new Float32Array(part());
    case "f16":
      return new Float32Array(new Float16Array(part()));
    case "f32t":
      return untransposed(new Float32Array(part()));
    case "f16t":
      return untransposed(new Float16Array(part()));
    case "w8":
    case "w7":
      return unpackInt8(
        { data: new Int8Array(part()), scales: new Float32Array(part(scales)) },
        columns,
      );
    case "r8":
      return unpackR8(
        { data: new Int8Array(part()), scales: new Float32Array(part(scales)) },
        elementCount(shape) / (shape[0] ?? 1),
      );
    case "q4":
      return unpackQ4(
        { data: new Uint8Array(part()), scales: new Float16Array(part(scales)) },
        columns,
        block,
      );
    case "q8u":
      return unpackQ8u(
        { data: new Uint8Array(part()), scales: new Float16Array(part(scales)) },
        columns,
      );
    case "q8":
      return unpackQ8(
        { data: new Int8Array(part()), scales: new Float16Array(part(scales)) },
        columns,
      );
  }
}

/** Reads all tensors of a reference checkpoint as plainly as can be. */
function sourceTensors(checkpoint: string): Map<string, Float32Array> {
  const folder = `${REFERENCE}/${checkpoint}`;
  const index = JSON.parse(readFileSync(`${folder}/model.safetensors.index.json`, "utf8"));
  const tensors = new Map<string, Float32Array>();
  for (const file of new Set<string>(Object.values(index.weight_map))) {
    const bytes = readFileSync(`${folder}/${file}`);
    const headerBytes = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString());
    delete header.__metadata__;
    for (const [
      name,
      {
        dtype,
        data_offsets: [start, end],
      },
    ] of Object.entries<{ dtype: string; data_offsets: [number, number] }>(header)) {
      const raw = new Uint8Array(bytes.subarray(8 + headerBytes + start, 8 + headerBytes + end))
        .buffer;
      tensors.set(name, dtype === "F32" ? new Float32Array(raw) : widenBf16(new Uint16Array(raw)));
    }
  }
  return tensors;
}

function sourceName(stage: string, name: string): string {
  if (stage === "vision") return `model.vision_tower.vision_tower.vision_model.${name}`;
  if (stage === "projector")
    return name === "image_newline" ? `model.${name}` : `model.mm_projector.${name}`;
  if (stage === "embed") return "model.embed_tokens.weight";
  if (stage === "head") return name === "weight" ? "lm_head.weight" : "model.norm.weight";
  return `model.layers.${Number(stage.slice(6))}.${name}`;
}

describe("a converted checkpoint", () => {
  test.each(["tiny-a", "tiny-real"])(
    "%s in f32 holds exactly the source's numbers",
    async (checkpoint) => {
      const converted = await convertReference(checkpoint, "f32");
      const source = sourceTensors(checkpoint);
      let compared = 0;
      for (const [stage, loaded] of await loadStages(converted)) {
        for (const entry of loaded.layout.tensors) {
          expect(decode(loaded, entry)).toEqual(source.get(sourceName(stage, entry.name)));
          compared += 1;
        }
      }
      expect(compared).toBe(source.size - 2); // post_layernorm's weight and bias are not used
    },
  );

  test.each([
    [{ format: "f16" }, 0.0005],
    [{ format: "w8a8" }, 0.01],
    [{ format: "w7a8" }, 0.02],
    [{ format: "q8" }, 0.01],
    [{ format: "q4" }, 0.09],
    [{ format: "q4", block: 64 }, 0.1],
    [{ format: "q4", block: 128 }, 0.11],
  ] as const)("in %o has the errors that it reports, and small ones", async (form, limit) => {
    const reports = new Map<string, TensorReport>();
    const converted = await convertReference("tiny-a", form.format, {
      form,
      onTensor: (report) => reports.set(`${report.stage}/${report.name}`, report),
    });
    const source = sourceTensors("tiny-a");
    for (const [stage, loaded] of await loadStages(converted)) {
      for (const entry of loaded.layout.tensors) {
        const report = reports.get(`${stage}/${entry.name}`);
        const expected = source.get(sourceName(stage, entry.name)) ?? new Float32Array();
        const errors = decode(loaded, entry).map((value, index) =>
          Math.abs(value - (expected[index] ?? 0)),
        );
        const squares = errors.reduce((sum, error) => sum + error * error, 0);
        expect(report?.maxError).toBeCloseTo(Math.max(...errors), 6);
        expect(report?.rmsError).toBeCloseTo(Math.sqrt(squares / errors.length), 6);
        expect(report?.rmsError).toBeLessThanOrEqual(limit * (report?.rmsSource ?? 0));
      }
    }
  });

  test("gets the reference's special ids from the end-of-text id alone", async () => {
    const { bundle } = await convertReference("tiny-real", "q4");
    expect(bundle.architecture.special).toEqual({
      beginOfText: 126_080,
      endOfText: 126_081,
      mask: 126_336,
      startHeader: 126_346,
      endHeader: 126_347,
      endOfTurn: 126_348,
    });
    expect(bundle.architecture.logitsColumns).toBe(126_464);
  });

  test("has the same digest every time, and another for another format", async () => {
    const first = await convertReference("tiny-a", "q4");
    expect((await convertReference("tiny-a", "q4")).digest).toBe(first.digest);
    expect((await convertReference("tiny-a", "w8a8")).digest).not.toBe(first.digest);
  });

  test("with numbers that an encoding cannot carry is refused by name", async () => {
    const tensors = tensorsOf(TINY_CONFIG).set("model.norm.weight", {
      shape: [64],
      values: [Number.NaN],
    });
    const attempt = convertReference("broken", "q4", {
      checkpoint: storedCheckpoint(
        await storeOf({
          "config.json": TINY_CONFIG,
          "model.safetensors": safetensorsFile(tensors),
        }),
      ),
    });
    await expect(attempt).rejects.toMatchObject({
      code: "tensor_not_finite",
      message: expect.stringContaining("model.norm.weight"),
    });
  });
});

describe("a conversion of a checkpoint that is replaced meanwhile", () => {
  test("is refused by name and publishes nothing", async () => {
    const file = safetensorsFile(tensorsOf(TINY_CONFIG));
    const source = await storeOf({ "config.json": TINY_CONFIG, "model.safetensors": file });
    const store = memoryStore();
    let replacing: Promise<void> | undefined;
    const attempt = convertReference("mixed", "q4", {
      store,
      checkpoint: storedCheckpoint(source),
      onTensor: () => {
        replacing ??= source.put("model.safetensors", file); // same size, another revision
      },
    });
    await expect(attempt).rejects.toMatchObject({
      code: "object_changed",
      message: expect.stringContaining("model.safetensors"),
    });
    await replacing;
    expect(await store.head(latestKey("mixed"))).toBeUndefined();
  });
});

describe("a bundle's name and version", () => {
  test.each([
    [{ name: "a/b" }, /"a\/b"/],
    [{ version: "../1" }, /"\.\.\/1"/],
  ])(
    "that no manifest could have (%j) are refused before anything is written",
    async (wrong, words) => {
      const store = memoryStore();
      const attempt = convertReference("tiny-a", "q4", { store, ...wrong });
      await expect(attempt).rejects.toThrow(words);
      await expect(attempt).rejects.toMatchObject({ code: "manifest_invalid" });
      expect(await Array.fromAsync(store.list(""))).toEqual([]);
    },
  );
});

describe("a target that is busy", () => {
  test("when it is first looked at does not end the conversion", async () => {
    const store = memoryStore();
    const looked = new Set<string>();
    const busyOnce: ObjectStore = {
      ...store,
      async head(key, signal) {
        if (!looked.has(key) && looked.add(key).size <= 6)
          throw new WeightsError("store_unavailable", `${key}: SlowDown`, { retryAfterMs: 1 });
        return store.head(key, signal);
      },
    };
    const { digest } = await convertReference("tiny-a", "q4", { store: busyOnce });
    expect(digest).toBe((await convertReference("tiny-a", "q4")).digest);
    expect(looked.size).toBeGreaterThan(5);
  });
});

describe("a conversion that is stopped", () => {
  test("goes on behind the last finished stage and ends in the same bundle", async () => {
    const whole = await convertReference("tiny-a", "q4");
    const store = memoryStore();
    const controller = new AbortController();
    const reason = new Error("Ctrl-C");
    const stopped = convertReference("tiny-a", "q4", {
      store,
      signal: controller.signal,
      onTensor: ({ stage }) => {
        if (stage === "layer-01") controller.abort(reason);
      },
    });
    await expect(stopped).rejects.toBe(reason);
    expect(await store.head(latestKey("tiny-a"))).toBeUndefined();

    const encoded = new Set<string>();
    const resumed = await convertReference("tiny-a", "q4", {
      store,
      onTensor: ({ stage }) => encoded.add(stage),
    });
    expect(resumed.digest).toBe(whole.digest);
    expect([...encoded]).toEqual(["layer-01", "head"]);
  });

  test("at any one write can be gone on with; latest.json never names a bundle that is not whole", async () => {
    const whole = await convertReference("tiny-a", "w8a8");
    const writes =
      (await Array.fromAsync(whole.store.list(""))).length + whole.bundle.stages.length;
    for (let failing = 0; failing < writes; failing++) {
      const store = memoryStore();
      const broken = failingAtWrite(store, failing);
      await expect(convertReference("tiny-a", "w8a8", { store: broken })).rejects.toThrow(
        "disk full",
      );
      expect(await store.head(latestKey("tiny-a"))).toBeUndefined();
      const { digest } = await convertReference("tiny-a", "w8a8", { store });
      expect(digest).toBe(whole.digest);
      await loadStages({ ...(await readManifest(store, "tiny-a")), store });
    }
  });

  test.each([undefined, 30_000])(
    "behind any write goes on behind the last tensor that was stored: none is encoded twice (shards of %s bytes)",
    async (shardBytes) => {
      const cut = shardBytes === undefined ? {} : { shardBytes };
      const whole = await convertReference("tiny-a", "w8a8", cut);
      const tensors = whole.bundle.stages.flatMap(({ name, tensors }) =>
        tensors.map((tensor) => `${name}/${tensor.name}`),
      );
      for (let left = 1, isWhole = false; !isWhole; left += 7) {
        const store = memoryStore();
        const encoded: string[] = [];
        const onTensor = ({ stage, name }: TensorReport) => encoded.push(`${stage}/${name}`);
        const run = (to: ObjectStore) =>
          convertReference("tiny-a", "w8a8", { ...cut, store: to, onTensor });
        isWhole = await run(brokenFromWrite(store, left)).then(
          () => true,
          () => false,
        );
        const before = encoded.length;
        expect((await run(store)).digest).toBe(whole.digest);
        if (!isWhole) expect(encoded).toEqual(tensors);
        else expect(encoded.slice(before)).toEqual(tensors); // published: it is made anew
        const keys = await Array.fromAsync(store.list("models/"));
        expect(keys).toEqual(["models/tiny-a/1/manifest.json", "models/tiny-a/latest.json"]);
      }
    },
  );

  test("writes no blob twice, and starts anew when a stored one has vanished", async () => {
    const { store, bundle, digest } = await convertReference("tiny-a", "q4");
    const written: string[] = [];
    const watched = {
      ...store,
      put: async (key: string, bytes: Uint8Array) => {
        written.push(key);
        await store.put(key, bytes);
      },
    };
    await convertReference("tiny-a", "q4", { store: watched });
    expect(written.filter((key) => key.startsWith("blobs/"))).toEqual([]);
    const lost = bundle.stages[0]?.shards[0];
    if (lost === undefined) throw new Error("the bundle has no shard");
    await store.remove(blobKey(lost));
    expect((await convertReference("tiny-a", "q4", { store })).digest).toBe(digest);
    expect((await store.head(blobKey(lost)))?.bytes).toBe(lost.bytes);
  });

  test("mends stored blobs whose bytes are wrong, those of finished stages too", async () => {
    const { store, bundle, digest } = await convertReference("tiny-a", "q4");
    const shards = bundle.stages.flatMap((stage) => stage.shards);
    const damage = async (): Promise<void> => {
      for (const shard of shards) {
        await store.put(blobKey(shard), new Uint8Array(shard.bytes));
      }
    };
    await damage();
    expect((await convertReference("tiny-a", "q4", { store })).digest).toBe(digest);
    await loadStages({ bundle, digest, store });

    const controller = new AbortController();
    const stopped = convertReference("tiny-a", "q4", {
      store,
      signal: controller.signal,
      onTensor: ({ stage }) => stage === "head" && controller.abort(),
    });
    await expect(stopped).rejects.toThrow();
    await damage();
    expect((await convertReference("tiny-a", "q4", { store })).digest).toBe(digest);
    await loadStages({ bundle, digest, store });
  });

  test.each([
    ["cut short", '{"fingerprint": "'],
    ["of another form", '{"stages": 3}'],
  ])("starts anew behind a journal that is %s", async (_, journal) => {
    const key = "models/tiny-a/1/unfinished.json";
    const store = await storeOf({ [key]: journal });
    const { digest } = await convertReference("tiny-a", "q4", { store });
    expect(digest).toBe((await convertReference("tiny-a", "q4")).digest);
    expect(await store.head(key)).toBeUndefined();
  });

  test("does not go on with a journal of another checkpoint", async () => {
    const store = memoryStore();
    const first = await storeOf({
      "config.json": TINY_CONFIG,
      "model.safetensors": safetensorsFile(tensorsOf(TINY_CONFIG)),
    });
    const controller = new AbortController();
    const stopped = convertReference("same", "q4", {
      store,
      checkpoint: storedCheckpoint(first),
      signal: controller.signal,
      onTensor: ({ stage }) => stage === "head" && controller.abort(),
    });
    await expect(stopped).rejects.toThrow();
    const retrained = tensorsOf(TINY_CONFIG).set("model.image_newline", {
      shape: [64],
      values: [9],
    });
    await first.put("model.safetensors", safetensorsFile(retrained)); // same sizes, other numbers
    const resumed = await convertReference("same", "q4", {
      store,
      checkpoint: storedCheckpoint(first),
    });
    const projector = (await loadStages(resumed)).get("projector");
    const newline = projector?.layout.tensors.find(({ name }) => name === "image_newline");
    if (projector === undefined || newline === undefined) throw new Error("no image_newline");
    expect(decode(projector, newline)[0]).toBe(9);
  });
});

/** A store that is gone behind so many writes, as for a process that was killed. */
function brokenFromWrite(store: ObjectStore, left: number): ObjectStore {
  let writes = 0;
  const work = async (write: () => Promise<void>): Promise<void> => {
    if (++writes > left) throw new Error("killed");
    await write();
  };
  return {
    ...store,
    put: (...write) => work(() => store.put(...write)),
    putStream: (...write) => work(() => store.putStream(...write)),
    remove: (...write) => work(() => store.remove(...write)),
  };
}

/** A store whose n-th write (from 0) fails, as when a disk is full. */
function failingAtWrite(store: ObjectStore, failing: number): ObjectStore {
  let writes = 0;
  return {
    ...store,
    put: async (key, bytes, signal) => {
      if (writes++ === failing) throw new Error("disk full");
      await store.put(key, bytes, signal);
    },
  };
}
