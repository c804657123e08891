import { describe, expect, test } from "vitest";
import type { Provider } from "#graph/profile.ts";
import { chooseProvider, resolveProvider } from "#inference/machine/choose-provider.ts";
import type { CudaFindings, VulkanAdapter } from "#inference/machine/findings.ts";
import type { ProbeName, runProbe } from "#inference/machine/run-probe.ts";

const works = { troubles: [] };
const trouble = { kind: "no_gpu", why: "there is no GPU", next: "Install one" };
const broken = { troubles: [trouble] };
const cuda: CudaFindings = { folder: "/f", files: "installed", troubles: [] };
const patient = new AbortController().signal;

describe("the provider that is chosen", () => {
  test.each<[string, Provider, Parameters<typeof resolveProvider>[1]]>([
    ["cuda where it works", "cuda", { cuda: works, webgpu: { troubles: [], isReal: true } }],
    [
      "webgpu where a card answers",
      "webgpu",
      { cuda: broken, webgpu: { troubles: [], isReal: true } },
    ],
    [
      "cpu where a software driver alone does",
      "cpu",
      { cuda: broken, webgpu: { troubles: [], isReal: false } },
    ],
    ["cpu where nobody knows what answers", "cpu", { cuda: broken, webgpu: works }],
    ["cpu where nothing does", "cpu", { cuda: broken, webgpu: broken }],
  ])("by auto is %s", (_, provider, findings) => {
    expect(resolveProvider("auto", findings)).toMatchObject({ kind: "chosen", provider });
  });

  test("by auto comes with what was passed over, why, and what to do about it", () => {
    const choice = resolveProvider("auto", {
      cuda: broken,
      webgpu: { troubles: [], isReal: false },
    });
    expect(choice).toEqual({
      kind: "chosen",
      provider: "cpu",
      passedOver: [
        { provider: "cuda", why: "there is no GPU", next: "Install one" },
        {
          provider: "webgpu",
          why: "the only device computes on the processor, which provider cpu does faster",
          next: "Ask for it by name (--provider webgpu) where it is wanted all the same",
        },
      ],
    });
  });

  test("by its name is that one, webgpu on a software driver too", () => {
    const findings = { cuda: works, webgpu: { troubles: [], isReal: false } };
    for (const wanted of ["cpu", "wasm", "webgpu", "cuda"] as const) {
      expect(resolveProvider(wanted, findings)).toEqual({
        kind: "chosen",
        provider: wanted,
        passedOver: [],
      });
    }
  });

  test.each(["webgpu", "cuda"] as const)(
    "by its name is refused where it does not work: %s is never replaced in silence",
    (wanted) => {
      expect(resolveProvider(wanted, { cuda: broken, webgpu: broken })).toEqual({
        kind: "refused",
        provider: wanted,
        why: "there is no GPU",
        next: "Install one",
      });
    },
  );
});

/** A Linux machine, by what its probes find. */
function machine(found: Partial<Record<ProbeName, unknown>>) {
  const asked: ProbeName[] = [];
  const probe: typeof runProbe = async (name) => {
    asked.push(name);
    return { found: found[name] as never };
  };
  const means = { env: { HOME: "/home/me" }, signal: patient, platform: "linux", probe } as const;
  return { asked, means };
}

const card: VulkanAdapter = { name: "a card", kind: "discrete", memoryBytes: 1, vulkan: "1.4.0" };
const vulkan = { hasLoader: true, manifests: [], adapters: [card], troubles: [] };

describe("choosing on a machine", () => {
  test("looks at no more than it needs to", async () => {
    const good = machine({ cuda, webgpu: works, vulkan });
    expect(await chooseProvider({ wanted: "auto", ...good.means })).toMatchObject({
      provider: "cuda",
    });
    expect(good.asked).toEqual(["cuda"]);
    const plain = machine({});
    for (const wanted of ["cpu", "wasm"] as const) await chooseProvider({ wanted, ...plain.means });
    expect(plain.asked).toEqual([]);
    const second = machine({ cuda: { ...cuda, ...broken }, webgpu: works, vulkan });
    expect(await chooseProvider({ wanted: "auto", ...second.means })).toMatchObject({
      provider: "webgpu",
      passedOver: [{ provider: "cuda" }],
    });
    expect(second.asked).toEqual(["cuda", "webgpu", "vulkan"]);
  });

  test("takes a driver that computes on the processor for none", async () => {
    const software = { ...vulkan, adapters: [{ ...card, kind: "software" }] };
    const { means } = machine({ cuda: { ...cuda, ...broken }, webgpu: works, vulkan: software });
    expect(await chooseProvider({ wanted: "auto", ...means })).toMatchObject({ provider: "cpu" });
    expect(await chooseProvider({ wanted: "webgpu", ...means })).toMatchObject({
      kind: "chosen",
      provider: "webgpu",
    });
  });

  test("tells Vulkan's reason rather than WebGPU's, which knows no more than that there is none", async () => {
    const why = { kind: "vulkan_missing", why: "no loader", next: "Install it" };
    const { means } = machine({
      webgpu: broken,
      vulkan: { ...vulkan, hasLoader: false, adapters: [], troubles: [why] },
    });
    expect(await chooseProvider({ wanted: "webgpu", ...means })).toEqual({
      kind: "refused",
      provider: "webgpu",
      why: "no loader",
      next: "Install it",
    });
  });

  test("offers no CUDA where its files are not made for", async () => {
    const { asked, means } = machine({ webgpu: works });
    const mac = { ...means, platform: "darwin" } as const;
    expect(await chooseProvider({ wanted: "auto", ...mac })).toMatchObject({
      provider: "webgpu",
      passedOver: [
        {
          provider: "cuda",
          why: expect.stringMatching(/^the provider's files are for Linux on x64, this is darwin/),
        },
      ],
    });
    expect(asked).toEqual(["webgpu"]);
  });

  test("a probe that crashes is a reason like any other", async () => {
    const probe: typeof runProbe = async () => ({
      trouble: {
        kind: "probe_crashed",
        why: "the trial's process ended with SIGSEGV",
        next: "Update the driver",
      },
    });
    const means = { env: {}, signal: patient, platform: "linux", probe } as const;
    expect(await chooseProvider({ wanted: "auto", ...means })).toMatchObject({
      provider: "cpu",
      passedOver: [
        { why: "the trial's process ended with SIGSEGV" },
        { why: "the trial's process ended with SIGSEGV" },
      ],
    });
  });
});
