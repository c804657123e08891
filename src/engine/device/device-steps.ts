import type { Architecture } from "#domain/architecture.ts";
import { askedGraph, bestGraph } from "#graph/device/best.ts";
import { isFused } from "#graph/device/layers.ts";
import { joinGraph, surroundingsGraph, takeGraph } from "#graph/device/steps.ts";
import type { OpProfile } from "#graph/profile.ts";
import type { Runtime, Session } from "../runtime/runtime.ts";

/** Sessions without weights, for what a pass does between its layers and behind its head. */
export interface DeviceSteps {
  readonly surroundings: Session;
  /** Whether its mask has rows, so that it wants a column. */
  readonly masksRows: boolean;
  readonly take: Session;
  readonly join: Session;
  readonly asked: Session;
  readonly best: Session;
  release(): Promise<void>;
}

/** Makes them, before the first stage has come. */
export async function createDeviceSteps(
  runtime: Runtime,
  { language: tower, logitsColumns }: Architecture,
  profile: OpProfile,
): Promise<DeviceSteps> {
  const create = (name: string, model: Uint8Array, staying: readonly string[]): Promise<Session> =>
    runtime.createSession(name, model, [], { staying });
  const surroundings = await create("surroundings", surroundingsGraph(tower, profile), [
    "cosinesOut",
    "sinesOut",
    "maskOut",
    "nothingOut",
  ]);
  const take = await create("take", takeGraph(tower), ["out"]);
  const join = await create("join", joinGraph(tower), ["out"]);
  const asked = await create("asked", askedGraph(logitsColumns), []);
  const best = await create("best", bestGraph(logitsColumns, profile), ["rest"]);
  return {
    surroundings,
    masksRows: isFused(profile, tower),
    take,
    join,
    asked,
    best,
    async release() {
      for (const session of [surroundings, take, join, asked, best]) await session.release();
    },
  };
}
