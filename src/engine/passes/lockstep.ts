import type { LanguageTower } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { ForwardPass, Predictions } from "#model/engine.ts";
import { type EngineParts, floats } from "../engine-parts.ts";
import type { SessionInput } from "../runtime/runtime.ts";
import {
  absentSequences,
  contextOf,
  denoise,
  filledUp,
  type Place,
  type Surroundings,
  surroundingsOf,
} from "./denoise.ts";
import { checkForwardPass } from "./forward-pass.ts";
import { KeptPrefix } from "./kept-prefix.ts";
import { predict } from "./predict.ts";
import { joinPositions, takePositions } from "./rows.ts";

/**
 * Rows up to which a window runs in lock-step with others. A few rows cost little more than reading the weights, which is then
 * done once for all. One by one, four windows behind 1,000 positions took so many times the CPU time of one run, a layer of the
 * 8B's width, VNNI: 4 rows each 1.65 (w8a8), 2.0 (w7a8), 1.17 (q4 in blocks of 128), 8 rows 1.41, 1.71, 1.10. With 32 rows it was 1.03 to
 * 1.08: products fill the processor by themselves, and the first would only wait for the last.
 */
export const LOCKSTEP_ROWS = 8;

/** A pass that is to run, and whether somebody still waits for it. */
export interface Member {
  readonly pass: ForwardPass;
  readonly signal: AbortSignal;
}

/** Whether a pass computes so little that it gains by company. Guidance is two sequences already. */
export function gainsByCompany({ embeddingsSD, prefix, guidance }: ForwardPass): boolean {
  if (prefix?.refresh !== "none" || guidance !== undefined) return false;
  const [size = 0] = embeddingsSD.shape;
  return size - prefix.length <= LOCKSTEP_ROWS;
}

/** Runs passes that are asked for in the same moment together: those of one turn, at most `SEQUENCES_AT_ONCE`. */
export function createLockstep(
  run: (members: readonly Member[]) => Promise<readonly PromiseSettledResult<Predictions>[]>,
): (member: Member) => Promise<Predictions> {
  let gathering: Promise<readonly PromiseSettledResult<Predictions>[]> | undefined;
  let members: Member[] = [];
  return async function join(member) {
    const place = members.push(member) - 1;
    gathering ??= Promise.resolve().then(() => {
      const all = members;
      members = [];
      gathering = undefined;
      return run(all);
    });
    const outcome = (await gathering)[place];
    if (outcome?.status === "fulfilled") return outcome.value;
    throw outcome?.reason;
  };
}

/**
 * Runs several small passes as one: their rows go through the linears together, and each sees its own context alone, so that each gets
 * bit for bit what it gets by itself where rows are independent (`OrtEngine.rowsAreIndependent`). The head takes each alone: its
 * sums may depend on where a row lies. A pass that is wrong or has been given up disturbs no other.
 */
export async function denoiseTogether(
  parts: EngineParts,
  members: readonly Member[],
): Promise<readonly PromiseSettledResult<Predictions>[]> {
  const outcomes = new Map<Member, PromiseSettledResult<Predictions>>();
  const settle = async (member: Member, work: () => Promise<Predictions>): Promise<void> => {
    const [outcome] = await Promise.allSettled([work()]);
    outcomes.set(member, outcome);
  };
  const joined: Joined[] = [];
  for (const member of members) {
    try {
      joined.push(prepare(parts, member));
    } catch (reason) {
      outcomes.set(member, { status: "rejected", reason });
    }
  }
  const [only, ...others] = joined;
  if (only !== undefined && others.length === 0) {
    await settle(only.member, () => denoise(parts, only.member.pass, only.member.signal));
  } else if (only !== undefined) {
    const [ran] = await Promise.allSettled([runTogether(parts, joined)]);
    for (const [index, { member }] of joined.entries()) {
      if (ran.status === "rejected") outcomes.set(member, ran);
      else
        await settle(member, () => predict(parts, member.pass, ran.value[index]!, member.signal));
    }
  }
  return members.map((member) => outcomes.get(member)!);
}

/** A member's window, ready to be packed. */
interface Joined {
  readonly member: Member;
  readonly place: Place;
  /** Its rows [1, M, D] in a full number, and how many of them are its own. */
  readonly rows: Tensor;
  readonly length: number;
  readonly surroundings: Surroundings;
}

/** Throws what is wrong with a pass, and why it has been given up. */
function prepare({ architecture }: EngineParts, member: Member): Joined {
  const { pass, signal } = member;
  signal.throwIfAborted();
  checkForwardPass(architecture, pass);
  const { embeddingsSD, prefix } = pass;
  if (prefix === undefined || !(prefix.kept instanceof KeptPrefix)) {
    throw new TypeError("the prefix is missing, or another engine's");
  }
  const { kept, length: first } = prefix;
  kept.filling(first, 1);
  const [size = 0] = embeddingsSD.shape;
  const whole = tensor([1, ...embeddingsSD.shape], embeddingsSD.data);
  const rows = filledUp(takePositions(whole, first, size));
  const length = size - first;
  const place = { shelf: kept.shelf, length: first };
  const surroundings = surroundingsOf(architecture.language, { first, sees: place }, length, rows);
  return { member, place, rows, length, surroundings };
}

/** Runs all layers; yields the hidden vectors [1, M, D] of each. */
async function runTogether(
  { architecture, sessions }: EngineParts,
  joined: readonly Joined[],
): Promise<readonly Tensor[]> {
  const { language } = architecture;
  const packed = (of: (one: Joined) => Tensor): Tensor => joined.map(of).reduce(joinPositions);
  const cosines = packed(({ surroundings }) => surroundings.cosines);
  const sines = packed(({ surroundings }) => surroundings.sines);
  const asking = { queryCosines: cosines, querySines: sines };
  const never = new AbortController().signal; // what fills a prefix has waited for every layer
  let hidden = packed(({ rows }) => rows);
  for (let layer = 0; layer < language.layers; layer++) {
    const session = await sessions.layer(layer, never);
    if (joined.every(({ member }) => member.signal.aborted))
      joined[0]?.member.signal.throwIfAborted();
    const inputs = {
      ...{ hidden, cosines, sines },
      ...(layer === language.layers - 1 ? asking : {}),
      ...contextsOf(language, joined, layer),
    };
    hidden = floats((await session.run(inputs, ["hiddenOut"]))["hiddenOut"]);
  }
  let end = 0;
  return joined.map(({ rows: { shape }, length }) => {
    const start = end;
    end += shape[1] ?? 0;
    return takePositions(hidden, start, start + length);
  });
}

/** What each of the sequences sees, by their numbers in the graph; the first has none. */
function contextsOf(
  language: LanguageTower,
  joined: readonly Joined[],
  layer: number,
): Readonly<Record<string, SessionInput>> {
  const inputs: Record<string, SessionInput> = { ...absentSequences(language, joined.length) };
  for (const [index, { place, rows, surroundings }] of joined.entries()) {
    const number = index === 0 ? "" : `${index}`;
    const context = contextOf(language, { sees: place }, layer, rows);
    inputs[`contextKeys${number}`] = context.contextKeys;
    inputs[`contextValues${number}`] = context.contextValues;
    inputs[`mask${number}`] = surroundings.mask;
  }
  return inputs;
}
