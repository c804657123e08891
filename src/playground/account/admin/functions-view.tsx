import type { JSX } from "hono/jsx/jsx-runtime";
import type { FunctionBody } from "../data/shapes.ts";
import { ListView } from "../frame/list-view.tsx";
import { SectionHead, type SectionProps } from "../frame/section.tsx";

/** Where answers are computed, and how much is being computed there. */
export function FunctionsView({ dashboard }: SectionProps): JSX.Element {
  return (
    <>
      <SectionHead
        {...{ dashboard }}
        title="Functions"
        lead="Where answers are computed, as each function tells it now."
        topics={["functions"]}
      />
      <ListView list={dashboard.functions} of="functions" empty={<p>No function is named.</p>}>
        {(functions: readonly FunctionBody[]) => (
          <ul class="keys">
            {functions.map((each) => (
              <FunctionCard key={each.url} {...{ each }} />
            ))}
          </ul>
        )}
      </ListView>
    </>
  );
}

const badges: Readonly<Record<string, string>> = {
  ready: "live",
  loading: "waiting",
  draining: "waiting",
};

function FunctionCard({ each }: { readonly each: FunctionBody }): JSX.Element {
  const { url, state } = each;
  return (
    <li class="card key">
      <div class="row between">
        <h2 class="breaks">{url}</h2>
        <span class={`badge ${badges[state] ?? "bad"}`}>{state}</span>
      </div>
      <dl class="figures">
        {told(each).map(([name, value]) => (
          <div>
            <dt>{name}</dt>
            <dd class="breaks">{value}</dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

function told(each: FunctionBody): readonly (readonly [string, string])[] {
  const { object: _object, url: _url, state: _state, ...rest } = each;
  return Object.entries(rest).flatMap(([name, value]) =>
    typeof value === "string" || typeof value === "number" ? [[name, String(value)] as const] : [],
  );
}
