import { describe, expect, test } from "vitest";
import { ok, refuse } from "#domain/result.ts";
import { servingOf } from "#inference/host-status.ts";
import type { ModelHost } from "#inference/model-host.ts";
import { createMetricsRoute, createProbes, type Serving } from "#inference/probes.ts";

const loading = { status: "loading", loaded_bytes: 1, total_bytes: 4, eta_seconds: 3 } as const;
const states: readonly Serving[] = [
  loading,
  { status: "ready" },
  { status: "draining" },
  { status: "failed", reason: "device_lost" },
];

describe("a host of containers is told", () => {
  test.each([
    ["/ping", [204, 200, 503, 503]],
    ["/health/live", [200, 200, 200, 503]],
    ["/health/ready", [503, 200, 503, 503]],
  ] as const)(
    "by %s while weights load, when ready, while draining, when failed",
    async (path, expected) => {
      const codes = states.map(async (state) => await createProbes(() => state).request(path));
      expect((await Promise.all(codes)).map(({ status }) => status)).toEqual(expected);
    },
  );

  test("why it is not ready, in words for people and programs", async () => {
    const bodies = states.map(async (state) => {
      return await (await createProbes(() => state).request("/health/ready")).json();
    });
    expect(await Promise.all(bodies)).toEqual(states);
  });
});

type Told = Pick<ModelHost, "health" | "isLoaded" | "status">;

const told: Told = {
  health: () => ({ status: "ok" }),
  isLoaded: () => false,
  status: () =>
    ok({
      model: { name: "demo", version: "1", digest: "ab" },
      ...{ state: "loading", loaded_bytes: 1, total_bytes: 4, eta_seconds: 3 },
      ...{ replace: false, reason: null },
    }),
};

describe("a function serves", () => {
  test("once its weights are here and were taken, and never asks after them again", () => {
    expect(servingOf(told, false)).toEqual(loading);
    const status: Told["status"] = () => {
      throw new Error("what is loaded depends on no store");
    };
    expect(servingOf({ ...told, isLoaded: () => true, status }, false)).toEqual({
      status: "ready",
    });
  });

  test("nobody before its manifest is here, and knows no sizes then", () => {
    const status: Told["status"] = () =>
      refuse({ kind: "weights_loading", etaSeconds: 1, loadedBytes: 0, totalBytes: 0 });
    expect(servingOf({ ...told, status }, false)).toEqual({
      ...{ status: "loading", loaded_bytes: 0, total_bytes: 0, eta_seconds: null },
    });
  });

  test("nobody once it is to be replaced, though its weights are here", () => {
    const health: Told["health"] = () => ({ status: "failed", reason: "logits_not_finite" });
    expect(servingOf({ ...told, health, isLoaded: () => true }, false)).toEqual({
      ...{ status: "failed", reason: "logits_not_finite" },
    });
  });

  test("nobody new from the moment it is asked to end, and is alive until it has", () => {
    const health: Told["health"] = () => ({ status: "failed", reason: "device_lost" });
    expect(servingOf({ ...told, health }, true)).toEqual({ status: "draining" });
  });
});

describe("metrics are read", () => {
  const metricsToken = "0123456789abcdef";
  const get = async (
    guard: Parameters<typeof createMetricsRoute>[0],
    authorization?: string,
  ): Promise<number> => {
    const headers = authorization === undefined ? {} : { authorization };
    const route = createMetricsRoute(guard, () => "unmask_ready 1\n");
    return (await route.request("/metrics", { headers })).status;
  };

  test.each(["127.0.0.1", "127.0.0.2", "localhost", "::1"])(
    "without a token where the process listens on %s",
    async (host) => {
      expect(await get({ host })).toBe(200);
    },
  );

  test.each(["0.0.0.0", "::", "10.0.0.3", "127.0.0.1.evil.test"])(
    "by nobody where it listens on %s and no token is set",
    async (host) => {
      expect(await get({ host })).toBe(404);
      expect(await get({ host }, "Bearer undefined")).toBe(404);
    },
  );

  test("by who brings the token where one is set, wherever it listens", async () => {
    for (const host of ["0.0.0.0", "127.0.0.1"]) {
      const guard = { host, metricsToken };
      expect(await get(guard, `Bearer ${metricsToken}`)).toBe(200);
      for (const wrong of [undefined, "", "Bearer ", `Bearer ${metricsToken}x`, metricsToken])
        expect(await get(guard, wrong)).toBe(401);
    }
  });
});
