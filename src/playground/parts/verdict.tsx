import type { JSX } from "hono/jsx/jsx-runtime";
import type { Replay } from "#client/replay.ts";
import { moneyText } from "../views/money.ts";

/** Says whether an answer came about again when it was made afresh. */
export function Verdict({ replay }: { readonly replay: Replay }): JSX.Element {
  const words = {
    equal: "The same, made afresh: every token, where and when it was written.",
    different: "Not the same: the tokens differ.",
    not_comparable: "Made with other arithmetic, which says nothing against either.",
  };
  return (
    <p class={`verdict ${replay.verdict}`}>
      <span aria-hidden="true">{replay.verdict === "equal" ? "✓" : "≠"}</span>{" "}
      {words[replay.verdict]} <code>{replay.replayed_digest.slice(0, 16)}…</code>
      <span class="fine"> for {moneyText(replay.charged_micros)}</span>
    </p>
  );
}
