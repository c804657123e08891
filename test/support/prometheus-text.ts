/** A metric as a scraper reads it. */
export interface ParsedMetric {
  readonly type: string;
  readonly help: string;
  readonly samples: { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const VALUE = /^[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)$|^NaN$/i;

/**
 * Reads the text format as strictly as promtool does: help and type before the samples, all samples of a metric together, every series
 * once, names and escapes as they are written down. Throws at the first fault. Source: Prometheus text exposition format 0.0.4.
 */
export function parsePrometheus(text: string): ReadonlyMap<string, ParsedMetric> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const metrics = new Map<string, ParsedMetric>();
  const seen = new Set<string>();
  let help: readonly [name: string, words: string] | undefined;
  let current: readonly [name: string, metric: ParsedMetric] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const [, helped, words] = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line) ?? [];
    const [, typed, type] =
      new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary)$`).exec(line) ?? [];
    if (helped !== undefined && words !== undefined) help = [helped, words];
    else if (typed !== undefined && type !== undefined) {
      if (help?.[0] !== typed) throw new Error(`${typed} has no help before its type`);
      if (metrics.has(typed)) throw new Error(`${typed} is described twice`);
      current = [typed, { type, help: help[1], samples: [] }];
      metrics.set(...current);
    } else {
      const sample = parseSample(line);
      const isOf = current !== undefined && belongs(sample.name, current);
      if (!isOf) throw new Error(`${line}: stands behind the type of another metric`);
      if (seen.has(sample.series)) throw new Error(`${sample.series} is told twice`);
      seen.add(sample.series);
      current?.[1].samples.push({ labels: sample.labels, value: sample.value });
    }
  }
  return metrics;
}

function belongs(sample: string, [name, { type }]: readonly [string, ParsedMetric]): boolean {
  if (sample === name) return true;
  return type === "histogram" && ["_bucket", "_sum", "_count"].some((end) => sample === name + end);
}

function parseSample(line: string): {
  readonly name: string;
  readonly series: string;
  readonly labels: Record<string, string>;
  readonly value: number;
} {
  const [, name, braced = "", value] = new RegExp(`^(${NAME})(\\{.*\\})? (\\S+)$`).exec(line) ?? [];
  if (name === undefined || value === undefined || !VALUE.test(value))
    throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  const inner = braced.slice(1, -1);
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const [, key, text] = LABEL.exec(inner) ?? [];
    if (key === undefined || text === undefined) throw new Error(`no labels: ${line}`);
    if (key in labels) throw new Error(`a label twice: ${line}`);
    labels[key] = text.replaceAll(/\\(["\\n])/g, (_, one) => (one === "n" ? "\n" : one));
  }
  return {
    name,
    series: `${name}${braced}`,
    labels,
    value: Number(value.replace("Inf", "Infinity")),
  };
}
