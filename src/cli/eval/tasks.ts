import type { Column } from "./columns.ts";
import type { TestMessage, TestQuestion } from "./files/test-question.ts";
import type { TestSet } from "./files/test-set.ts";
import { type Task, taskOf } from "./results.ts";
import type { TaskDefaults } from "./settings.ts";

/** Canvas of a question for which nobody names one: always the same, whatever a model's own default, so that scores compare. */
const DEFAULT_CANVAS = 32;

/** The questions of a test set as one column asks them, read as they are needed. */
export async function* tasksOf(
  testSet: TestSet,
  column: Column,
  defaults: TaskDefaults,
): AsyncGenerator<Task, void, undefined> {
  let place = 0;
  for await (const question of testSet.questions())
    yield taskOf(
      question,
      place++,
      column,
      optionsOf(question, column, defaults),
      defaults.model ?? "",
    );
}

function optionsOf(question: TestQuestion, column: Column, { preset, canvases }: TaskDefaults) {
  const { messages } = question;
  const stop = preset?.stop ?? [];
  if (column.kind === "other") {
    const named = canvases.length === 0 ? undefined : Math.max(...canvases);
    const canvas =
      column.endpoint.maxTokens ?? named ?? question.canvas ?? preset?.canvas ?? DEFAULT_CANVAS;
    return { ...WITHOUT_STEPS, messages, canvas, stop };
  }
  if (column.choices === "read" && question.metric === "choice") {
    const { bareMessages, choices } = question;
    const { mode, refresh } = column;
    return { ...READ, messages: bareMessages, choices, mode, refresh };
  }
  const canvas = column.canvas ?? question.canvas ?? preset?.canvas ?? DEFAULT_CANVAS;
  const steps = Math.min(column.steps ?? question.steps ?? preset?.steps ?? canvas, canvas);
  const { mode, refresh } = column;
  return {
    messages: preset === undefined ? messages : withSwitch(messages, question, preset.thinking),
    canvas,
    steps,
    mode,
    refresh,
    blockLength: preset === undefined ? undefined : canvas,
    stop,
  };
}

const READ = { canvas: 0, steps: 0, blockLength: undefined, stop: [] } as const;

const WITHOUT_STEPS = {
  steps: 0,
  mode: undefined,
  refresh: undefined,
  blockLength: undefined,
} as const;

/** As the model's evaluation has it, behind questions about pictures alone. Source: ML-GSAI/LLaDA-V, `eval/`, where the picture's mark is put in. */
function withSwitch(
  messages: readonly TestMessage[],
  { pictures }: TestQuestion,
  thinking: string,
): readonly TestMessage[] {
  const last = messages.at(-1);
  return pictures.length === 0 || last === undefined
    ? messages
    : [...messages.slice(0, -1), { ...last, content: last.content + thinking }];
}
