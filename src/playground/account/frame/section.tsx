import type { JSX } from "hono/jsx/jsx-runtime";
import type { Dashboard } from "../data/dashboard.ts";
import type { Topic } from "../data/tabs.ts";

export interface SectionProps {
  readonly dashboard: Dashboard;
}

export interface SectionHeadProps extends SectionProps {
  readonly title: string;
  /** A sentence under it. */
  readonly lead: string;
  /** What its button asks for anew. */
  readonly topics: readonly Topic[];
  /** What else can be done. */
  readonly children?: unknown;
}

/** The head of a section: what it is, and what can be done with all of it. */
export function SectionHead({
  dashboard,
  title,
  lead,
  topics,
  children,
}: SectionHeadProps): JSX.Element {
  return (
    <div class="section-head">
      <div>
        <h1>{title}</h1>
        <p class="fine">{lead}</p>
      </div>
      <div class="row">
        {children as JSX.Element}
        <button type="button" class="quiet" onClick={() => dashboard.refresh(topics)}>
          Refresh
        </button>
      </div>
    </div>
  );
}

/** A column of numbers, or one that is left out where there is no room: its cells have the same class. */
export interface Column {
  readonly name: string;
  readonly kind: "number" | "wide" | "number wide";
}

/** A table that is scrolled sideways where it is too wide, also with the keys. */
export function Table({
  label,
  head,
  children,
}: {
  readonly label: string;
  readonly head: readonly (string | Column)[];
  readonly children?: unknown;
}): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls it with the keys (WCAG 2.1.1).
    <section class="scrolls" tabIndex={0} aria-label={`${label}, as a table`}>
      <table>
        <thead>
          <tr>
            {head.map((column) => (
              <HeadCell column={column} />
            ))}
          </tr>
        </thead>
        <tbody>{children as JSX.Element}</tbody>
      </table>
    </section>
  );
}

/** Above buttons nothing stands: an empty heading would be read aloud. */
function HeadCell({ column }: { readonly column: string | Column }): JSX.Element {
  if (column === "") return <td />;
  if (typeof column === "string") return <th scope="col">{column}</th>;
  return (
    <th scope="col" class={column.kind}>
      {column.name}
    </th>
  );
}

/** A choice of one of several, as a list to open. */
export function Choice({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string;
  readonly value: string | null;
  /** What stands first stands for all of them. */
  readonly options: readonly (readonly [value: string | null, name: string])[];
  readonly onChange: (value: string | null) => void;
}): JSX.Element {
  return (
    <label class="choice">
      <span class="fine">{label}</span>
      <select
        onChange={(event: Event) => {
          const chosen = (event.currentTarget as HTMLSelectElement).value;
          onChange(chosen === "" ? null : chosen);
        }}
      >
        {options.map(([each, name]) => (
          <option value={each ?? ""} selected={each === value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The first characters of an id, and the whole for who looks. */
export function Id({ id }: { readonly id: string }): JSX.Element {
  return (
    <code class="id" title={id}>
      {id.length > 14 ? `${id.slice(0, 12)}…` : id}
    </code>
  );
}
