import { engineContract } from "../contract/engine.ts";
import { fakeArchitecture, fakeEngine } from "./fake-engine.ts";

engineContract("the fake engine", async () => ({
  engine: fakeEngine((sequence, position) =>
    Float32Array.from({ length: fakeArchitecture.logitsColumns }, (_, column) =>
      Math.sin(column * 12.9898 + position + (sequence[position] ?? 0)),
    ),
  ),
  dispose: async () => undefined,
}));
