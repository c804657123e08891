/** What the function counts, as Prometheus reads it. Source: Prometheus text exposition format 0.0.4. */
export interface Metrics {
  readonly answered: (answer: {
    readonly outcome: string;
    readonly waitedMs: number;
    readonly ranMs: number;
    readonly steps: number;
    readonly forwardPasses: number;
    /** Positions that passes computed. */
    readonly rows: number;
  }) => void;
  /** Counts the steps of an answer that has come in as work; what it returns is told how many are left, 0 once it has ended. */
  readonly queued: (steps: number) => (left: number) => void;
  /** Steps that all answers in the queue and in the making still take, if each goes on to its end. */
  readonly queueSteps: () => number;
  readonly fetched: (fetch: { readonly purpose: string; readonly outcome: string }) => void;
  /** Writes everything that was counted, and the gauges as they stand. */
  readonly render: (gauges: Readonly<Partial<Record<GaugeName, number>>>) => string;
}

export type GaugeName =
  | "answers_running"
  | "answers_waiting"
  | "queue_steps"
  | "ready"
  | "weights_loaded_bytes"
  | "weights_total_bytes"
  | "process_resident_memory_bytes";

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Upper bounds of the histograms' buckets in seconds: from a small model's answer to an 8B model's without a GPU. */
const BUCKETS: readonly number[] = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

const help: Readonly<Record<string, readonly [type: string, words: string]>> = {
  unmask_answers_total: ["counter", "Answers by how they ended."],
  unmask_fetches_total: ["counter", "Fetches for the edge, by purpose and how they ended."],
  unmask_steps_total: ["counter", "Unmasking steps that ran."],
  unmask_forward_passes_total: ["counter", "Passes through the network."],
  unmask_rows_total: ["counter", "Positions that passes through the network computed."],
  unmask_answer_wait_seconds: ["histogram", "How long answers stood in the queue."],
  unmask_answer_run_seconds: ["histogram", "How long answers took from their turn to their end."],
  unmask_answers_running: ["gauge", "Answers in the making."],
  unmask_answers_waiting: ["gauge", "Answers in the queue."],
  unmask_queue_steps: [
    "gauge",
    "Unmasking steps that answers waiting and in the making still take.",
  ],
  unmask_ready: [
    "gauge",
    "1 while what is sent here is answered: weights loaded, not draining, not failed.",
  ],
  unmask_weights_loaded_bytes: ["gauge", "Bytes of weights that have arrived."],
  unmask_weights_total_bytes: ["gauge", "Bytes of weights in all."],
  unmask_process_resident_memory_bytes: ["gauge", "Resident memory of the process."],
};

/** Starts counting at zero. */
export function createMetrics(): Metrics {
  const counters = new Map<string, number>();
  const add = (series: string, amount = 1): void =>
    void counters.set(series, (counters.get(series) ?? 0) + amount);
  const wait = createHistogram();
  const run = createHistogram();
  let queueSteps = 0;
  return {
    queued: (steps) => {
      let counted = steps;
      queueSteps += steps;
      return (left) => {
        queueSteps += left - counted;
        counted = left;
      };
    },
    queueSteps: () => queueSteps,
    answered: ({ outcome, waitedMs, ranMs, steps, forwardPasses, rows }) => {
      add(`unmask_answers_total{outcome="${label(outcome)}"}`);
      add("unmask_steps_total", steps);
      add("unmask_forward_passes_total", forwardPasses);
      add("unmask_rows_total", rows);
      wait.observe(waitedMs / 1000);
      run.observe(ranMs / 1000);
    },
    fetched: ({ purpose, outcome }) =>
      add(`unmask_fetches_total{purpose="${label(purpose)}",outcome="${label(outcome)}"}`),
    render: (gauges) => {
      const series = [
        ...[...counters].map(([name, value]) => `${name} ${value}`),
        ...wait.lines("unmask_answer_wait_seconds"),
        ...run.lines("unmask_answer_run_seconds"),
        ...Object.entries(gauges).map(([name, value]) => `unmask_${name} ${value}`),
      ];
      const lines = Object.entries(help).flatMap(([name, [type, words]]) => [
        `# HELP ${name} ${words}`,
        `# TYPE ${name} ${type}`,
        ...series.filter((line) => belongsTo(line, name)),
      ]);
      return `${lines.join("\n")}\n`;
    },
  };
}

function belongsTo(line: string, name: string): boolean {
  return line.startsWith(name) && /^(_bucket|_sum|_count)?[ {]/.test(line.slice(name.length));
}

function label(text: string): string {
  return text.replaceAll(/[^a-z0-9_.-]/gi, "_").slice(0, 64);
}

function createHistogram(): {
  readonly observe: (seconds: number) => void;
  readonly lines: (name: string) => string[];
} {
  const counts = BUCKETS.map(() => 0);
  let [sum, count] = [0, 0];
  return {
    observe: (seconds) => {
      sum += seconds;
      count += 1;
      for (const [index, bound] of BUCKETS.entries())
        if (seconds <= bound) counts[index] = (counts[index] ?? 0) + 1;
    },
    lines: (name) => [
      ...BUCKETS.map((bound, index) => `${name}_bucket{le="${bound}"} ${counts[index]}`),
      `${name}_bucket{le="+Inf"} ${count}`,
      `${name}_sum ${sum}`,
      `${name}_count ${count}`,
    ],
  };
}
