import type { JSX } from "hono/jsx/jsx-runtime";
import type { FunctionBody, RegisteredFunctionBody } from "#wire/api/accounts/administration.ts";
import { bytesText } from "../../parts/bytes-text.ts";
import { counted } from "../data/amounts.ts";
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
        {(functions: readonly (FunctionBody | RegisteredFunctionBody)[]) => (
          <ul class="keys">
            {functions.map((each) =>
              each.object === "function" ? (
                <FunctionCard key={each.url} {...{ each }} />
              ) : (
                <RegisteredCard key={`${each.region} ${each.url}`} {...{ each }} />
              ),
            )}
          </ul>
        )}
      </ListView>
    </>
  );
}

const badges: Readonly<Record<string, string>> = {
  ready: "live",
  warm: "live",
  asleep: "waiting",
  loading: "waiting",
  draining: "waiting",
};

/** What a card tells, name by name. */
function Figures({ of }: { readonly of: readonly (readonly string[])[] }): JSX.Element {
  return (
    <dl class="figures">
      {of.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd class="breaks">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function FunctionCard({ each }: { readonly each: FunctionBody }): JSX.Element {
  const { url, state } = each;
  const reason = state === "unreachable" ? null : each.reason;
  return (
    <li class="card key">
      <div class="row between">
        <h2 class="breaks">{url}</h2>
        <span class={`badge ${badges[state] ?? "bad"}`}>{state}</span>
      </div>
      {reason !== null && <p class="breaks">{reason}</p>}
      <Figures of={told(each)} />
      <Loading each={each} />
    </li>
  );
}

function RegisteredCard({ each }: { readonly each: RegisteredFunctionBody }): JSX.Element {
  const { url, region, state, model, eta_seconds: eta } = each;
  const figures = [
    ["Model", model],
    ["Region", region],
    ["At work", `${each.running} of ${counted(each.places, "place")}`],
    ["Waiting", counted(each.queued, "question")],
    ["Still to do", counted(each.queued_steps, "step")],
    ...(eta === null ? [] : [["Ready in", `about ${counted(eta, "second")}`]]),
  ];
  return (
    <li class="card key">
      <div class="row between">
        <h2 class="breaks">{url}</h2>
        <span class={`badge ${badges[state] ?? "bad"}`}>{state}</span>
      </div>
      <Figures of={figures} />
    </li>
  );
}

/** What a function says of itself, in words; what it does not say is left out. */
function told(each: FunctionBody): readonly (readonly [name: string, value: string])[] {
  if (each.state === "unreachable") return [["Weights", "not known"]];
  const { model, running, places, queued, queued_steps: steps, numerics } = each;
  return [
    ["Model", `${model.name} ${model.version}`],
    ...(running === null
      ? []
      : ([
          ["At work", `${running}${places === null ? "" : ` of ${counted(places, "place")}`}`],
        ] as const)),
    ...(queued === null ? [] : ([["Waiting", counted(queued, "question")]] as const)),
    ...(steps === null ? [] : ([["Still to do", counted(steps, "step")]] as const)),
    ...(numerics === undefined
      ? []
      : ([["Arithmetic", numerics.split("/").slice(0, 2).join(" ")]] as const)),
  ];
}

/** How far its weights are, while they are on their way. */
function Loading({ each }: { readonly each: FunctionBody }): JSX.Element | null {
  if (each.state !== "loading" || each.total_bytes === 0) return null;
  const { loaded_bytes: loaded, total_bytes: total, eta_seconds: seconds } = each;
  return (
    <div>
      <span class="meter" aria-hidden="true">
        <i style={{ "inline-size": `${((100 * loaded) / total).toFixed(1)}%` }} />
      </span>
      <p class="fine">
        {bytesText(loaded)} of {bytesText(total)} of its weights
        {seconds === null ? "" : `, ready in about ${counted(Math.ceil(seconds), "second")}`}
      </p>
    </div>
  );
}
