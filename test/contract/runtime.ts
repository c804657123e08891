import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tensor } from "#domain/tensor.ts";
import type { Runtime, Session } from "#engine/runtime/runtime.ts";
import { createGraph } from "#graph/build.ts";
import { opProfiles } from "#graph/profile.ts";
import { PROBE_WIDTH, probeBytes, saturationProbeGraph } from "#graph/saturation-probe.ts";

const probe = saturationProbeGraph(opProfiles.cpu);

const ones = { shape: [1, PROBE_WIDTH], data: new Float32Array(PROBE_WIDTH).fill(1) };

/** [1, 2, 3, 2]: two groups of three positions. */
export const positions: Tensor = {
  shape: [1, 2, 3, 2],
  data: Float32Array.from({ length: 12 }, (_, n) => n),
};

/** y = 2 x over [B, G, M, d], and how many numbers there are. */
export function doublingGraph(): Uint8Array {
  const graph = createGraph("doubling");
  const shape = ["B", "G", "M", "d"];
  const x = graph.input("x", "FLOAT", shape);
  graph.output("y", graph.node("Add", [x, x]), "FLOAT", shape);
  graph.output("count", graph.cast(graph.node("Size", [x]), "INT32"), "INT32", []);
  return graph.toBytes();
}

/** The rules of `Runtime` on the CPU, for whichever binding. */
export function runtimeContract(name: string, load: () => Promise<Runtime>): void {
  describe(`${name} as a runtime`, () => {
    let runtime: Runtime;
    let doubling: Session;
    beforeAll(async () => {
      runtime = await load();
      doubling = await runtime.createSession("doubling", doublingGraph(), new Uint8Array(1));
    });
    afterAll(async () => {
      await doubling.release();
      await runtime.close();
    });

    test("a graph's weights lie in its stage, which may be filled again once it has been given back", async () => {
      const stage = probeBytes();
      let read: Uint8Array | undefined;
      const giveBack = (buffer: Uint8Array): void => {
        read = buffer;
      };
      const session = await runtime.createSession("probe", probe, stage, { giveBack });
      expect(read?.byteLength).toBe(probeBytes().byteLength);
      read?.fill(0);
      const { y } = await session.run({ x: ones }, ["y"]);
      // What the probe is of differs from processor to processor, as it is there to say: so the same graph is run beside it.
      const untouched = await runtime.createSession("probe", probe, probeBytes());
      expect(y).toEqual((await untouched.run({ x: ones }, ["y"]))["y"]);
      expect(y?.shape).toEqual([1, PROBE_WIDTH]);
      expect(y?.data.every((value) => value > 0)).toBe(true);
      await session.release();
      await untouched.release();
    });

    test("only the outputs asked for come out, float32 and int32 alike", async () => {
      const both = await doubling.run({ x: positions }, ["count", "y"]);
      expect(both["count"]).toEqual({ shape: [], data: Int32Array.of(12) });
      expect(both["y"]).toEqual({ shape: positions.shape, data: positions.data.map((n) => 2 * n) });
      expect(Object.keys(await doubling.run({ x: positions }, ["y"]))).toEqual(["y"]);
    });

    test("a tensor of no positions goes in and comes out", async () => {
      const none = { shape: [1, 2, 0, 2], data: new Float32Array(0) };
      const { y } = await doubling.run({ x: none }, ["y"]);
      expect(y).toEqual(none);
    });

    test("results belong to the caller: a later run does not write to them", async () => {
      const { y } = await doubling.run({ x: positions }, ["y"]);
      const copy = structuredClone(y);
      await doubling.run({ x: { ...positions, data: positions.data.map((n) => -n) } }, ["y"]);
      expect(y).toEqual(copy);
    });

    test("what is kept can be fed again until its shelf is cleared", async () => {
      const order = { shelf: 7, name: "y" };
      await doubling.run({ x: positions }, [], { y: order });
      const { y } = await doubling.run({ x: order }, ["y"]);
      expect(y).toEqual({ ...positions, data: positions.data.map((n) => 4 * n) });
      await runtime.clear(7);
      await expect(doubling.run({ x: order }, ["y"])).rejects.toThrow(
        "nothing is kept as y on shelf 7",
      );
    });

    test("a name keeps what was last put under it, and another shelf is another one", async () => {
      for (const sign of [1, -1]) {
        const x = { ...positions, data: positions.data.map((n) => sign * n) };
        await doubling.run({ x }, [], { y: { shelf: 8, name: "y" } });
      }
      await doubling.run({ x: positions }, [], { y: { shelf: 9, name: "y" } });
      await runtime.clear(9);
      const { y } = await doubling.run({ x: { shelf: 8, name: "y" } }, ["y"]);
      expect([...(y?.data ?? [])]).toEqual([...positions.data].map((n) => -4 * n));
      await runtime.clear(8);
    });

    test.each([
      ["an input is missing", {}, ["y"], "input 'x' is missing in 'feeds'."],
      [
        "an output is unknown",
        { x: positions },
        ["z"],
        "'fetches' contains invalid output name: z.",
      ],
      ["a shape does not fit", { x: ones }, ["y"], "Invalid rank for input: x Got: 2 Expected: 4"],
    ])(
      "a run is rejected by its stage's name and the reason where %s",
      async (_, inputs, outputs, reason) => {
        const run = doubling.run(inputs as Parameters<Session["run"]>[0], outputs);
        await expect(run).rejects.toMatchObject({
          message: "stage doubling failed to run",
          cause: { message: expect.stringContaining(reason) },
        });
        // And does no harm to those after it.
        expect((await doubling.run({ x: positions }, ["count"]))["count"]?.data[0]).toBe(12);
      },
    );

    test("a session is not made of what is no model", async () => {
      const broken = runtime.createSession("layer-07", new Uint8Array([1, 2, 3]), probeBytes());
      await expect(broken).rejects.toMatchObject({
        message: "the session of stage layer-07 cannot be created",
        cause: { message: expect.stringMatching(/protobuf parsing failed/i) },
      });
    });

    test("a session is not made of a stage that is too short for its weights", async () => {
      const short = runtime.createSession("probe", probe, probeBytes().slice(0, 100));
      await expect(short).rejects.toThrow("the session of stage probe cannot be created");
    });

    test("a session that has been released runs no more, and is not released twice", async () => {
      const session = await runtime.createSession("probe", probe, probeBytes());
      await session.release();
      await expect(session.run({ x: ones }, ["y"])).rejects.toMatchObject({
        cause: { message: expect.stringContaining("Session already disposed.") },
      });
      await expect(session.release()).rejects.toThrow("Session already disposed.");
    });
  });
}
