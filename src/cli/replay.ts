import { type Replay, replayAnswer } from "#client/replay.ts";
import { type CommandIo, EXIT, parseArguments, UsageError } from "./command.ts";
import { CONNECTION_HELP, explain, findConnection } from "./connection.ts";
import { dollars, table } from "./terminal/table.ts";

export const REPLAY_HELP: string = `Asks the question of an answer again, past the cache, and says whether the same answer comes about.

Usage: unmask replay ANSWER_ID [option …]

Equal replay digests mean: the same weights, the same question and options, and every token the same, committed at the
same place in the same step. The replay is charged like any answer. Questions are kept for a day at most.

Options:
${CONNECTION_HELP}
  --json        the API's own reply

Machines of another kind round otherwise, and one token that falls the other way changes those after it: where both answers
were made with different classes of arithmetic, or one of them is not known, and their digests differ, they are not
comparable, which says nothing against either.

Exit codes: 0 equal · 1 different, or refused · 2 not comparable · 64 wrong usage · 69 not there, try again
`;

/** The command `replay`: see its help. */
export async function replay(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parse(args);
  const [answerId, ...rest] = positionals;
  if (answerId === undefined || rest.length > 0)
    throw new UsageError("say which answer, for example: unmask replay ans_0Kb3nV7cQ2xY9mTgA4hZw");
  try {
    const connection = findConnection(values, io);
    const body = await replayAnswer(connection, answerId, { signal: io.signal });
    io.stdout.write(values.json === true ? `${JSON.stringify(body)}\n` : verdict(body));
    return exits[body.verdict];
  } catch (cause) {
    io.signal.throwIfAborted();
    return explain(cause, io);
  }
}

const exits = {
  equal: EXIT.done,
  different: EXIT.failed,
  not_comparable: EXIT.undecided,
} as const;

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const options = { url: text, key: text, json: { type: "boolean" } } as const;
  return parseArguments({ args: [...args], options, allowPositionals: true });
}

function verdict(body: Replay): string {
  const { answer_id, replayed_id, digest, replayed_digest, difference } = body;
  const rows = [
    ["answer", answer_id, digest],
    ["replay", replayed_id, replayed_digest],
  ];
  const areWeightsEqual = body.model_digest === body.replayed_model_digest;
  return [
    `${words[body.verdict]}\n`,
    table(["", "ID", "REPLAY DIGEST"], rows),
    body.verdict === "not_comparable" ? classLines(body) : "",
    difference === null ? "" : differenceLine(difference),
    areWeightsEqual ? "" : "Other weights answered: the model was changed in between.\n",
    `${dollars(body.charged_micros)} charged\n`,
  ].join("");
}

const words = {
  equal: "equal",
  different: "DIFFERENT",
  not_comparable: "not comparable: other arithmetic made the replay",
} as const;

function classLines({ numerics, replayed_numerics }: Replay): string {
  const rows = [
    ["answer", numerics ?? "not known"],
    ["replay", replayed_numerics ?? "not known"],
  ];
  return table(["", "NUMERICS CLASS"], rows);
}

function differenceLine(difference: NonNullable<Replay["difference"]>): string {
  const { index, token, replayed_token: replayed } = difference;
  return `First difference at token ${index + 1}: ${tokenText(token)} became ${tokenText(replayed)}\n`;
}

/** As JSON, so that what the model wrote cannot steer the terminal. */
function tokenText(token: NonNullable<Replay["difference"]>["token"]): string {
  return token === null ? "nothing" : `${JSON.stringify(token.text)} (step ${token.step})`;
}
