/** A query of Prometheus, and how its series are called. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** What a panel shows. */
export interface Panel {
  readonly title: string;
  /** One sentence: what it means, or what to do where it is bad. */
  readonly description: string;
  readonly kind: "timeseries" | "stat" | "table";
  /** Of Grafana: `s`, `short`, `ops`, `bytes`, `percentunit`, `currencyUSD`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** From which value on it is red; absent: nothing about it is bad. */
  readonly redFrom?: number;
}

/** Panels that stand together. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface DashboardTerms {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
}

/** Grafana's grid has 24 columns; three panels stand beside each other. */
const [COLUMNS, WIDTH, HEIGHT] = [24, 8, 8];

const DATASOURCE = { type: "prometheus", uid: `\${datasource}` } as const;

/** Writes a dashboard as Grafana imports it. Source: Grafana's dashboard JSON model, schema version 39. */
export function dashboard({ uid, title, description, rows }: DashboardTerms): object {
  let [id, y] = [0, 0];
  const panels = rows.flatMap((row) => {
    id += 1;
    const head = {
      id,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { h: 1, w: COLUMNS, x: 0, y },
      panels: [],
    };
    y += 1;
    const own = row.panels.map((panel, index) => {
      id += 1;
      const x = (index * WIDTH) % COLUMNS;
      const gridPos = {
        h: HEIGHT,
        w: WIDTH,
        x,
        y: y + HEIGHT * Math.floor((index * WIDTH) / COLUMNS),
      };
      return { id, gridPos, ...panelBody(panel) };
    });
    y += HEIGHT * Math.ceil((own.length * WIDTH) / COLUMNS);
    return [head, ...own];
  });
  return {
    uid,
    title,
    description,
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: "30s",
    tags: ["unmask"],
    time: { from: "now-6h", to: "now" },
    timezone: "utc",
    templating: {
      list: [
        {
          name: "datasource",
          label: "Prometheus",
          type: "datasource",
          query: "prometheus",
          hide: 0,
          refresh: 1,
        },
      ],
    },
    annotations: { list: [] },
    panels,
  };
}

function panelBody({ title, description, kind, unit, queries, redFrom }: Panel): object {
  const steps = [
    { color: "green", value: null },
    ...(redFrom === undefined ? [] : [{ color: "red", value: redFrom }]),
  ];
  return {
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: { unit, thresholds: { mode: "absolute", steps } },
      overrides: [],
    },
    options: optionsOf(kind),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      range: kind === "timeseries",
      instant: kind !== "timeseries",
      ...(kind === "table" ? { format: "table" } : {}),
    })),
  };
}

function optionsOf(kind: Panel["kind"]): object {
  if (kind === "timeseries")
    return {
      legend: { displayMode: "list", placement: "bottom", showLegend: true },
      tooltip: { mode: "multi", sort: "desc" },
    };
  if (kind === "table") return { showHeader: true };
  return { colorMode: "value", graphMode: "area", reduceOptions: { calcs: ["lastNotNull"] } };
}
