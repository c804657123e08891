import type { JSX } from "hono/jsx/jsx-runtime";

export interface FactProps {
  readonly name: string;
  readonly children: unknown;
}

/** One line of a list of facts (`dl`). */
export function Fact({ name, children }: FactProps): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children as JSX.Element}</dd>
    </div>
  );
}
