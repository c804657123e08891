/** What the report is drawn with, the same as the playground's pages: one accent, ink on paper. Columns are told apart by these eight. */
export const STYLE = `
:root { color-scheme: light dark;
  --paper: light-dark(#fbfaf7, #14130f); --card: light-dark(#fff, #1c1b16); --sunk: light-dark(#f3f1eb, #100f0c);
  --ink: light-dark(#1d1b16, #f0ede4); --ink-2: light-dark(#5a564c, #b3ad9f); --line: light-dark(#dedad0, #35332b);
  --accent: light-dark(#b8400a, #ff9a5c); --good: light-dark(#23653a, #7fd09a); --bad: light-dark(#a3211a, #ff9d92);
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.s0 { --c: light-dark(#b8400a, #ff9a5c); } .s1 { --c: light-dark(#1d5fa8, #82b8f5); } .s2 { --c: light-dark(#23774a, #7fd09a); }
.s3 { --c: light-dark(#7a3e9d, #d0a2f0); } .s4 { --c: light-dark(#8a6a00, #e5c558); } .s5 { --c: light-dark(#a3215f, #ff9cc8); }
.s6 { --c: light-dark(#0f6f78, #6fd3dc); } .s7 { --c: light-dark(#5a564c, #b3ad9f); }
* { box-sizing: border-box; margin: 0; }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 var(--sans); padding: clamp(1rem, 4vw, 3.5rem) clamp(1rem, 5vw, 3rem) 4rem; }
main { max-width: 76rem; margin: 0 auto; }
h1 { font: 500 clamp(1.9rem, 1.4rem + 2.4vw, 3rem)/1.12 var(--serif); letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font: 500 1.6rem/1.25 var(--serif); margin: 3.5rem 0 0.4rem; }
figcaption h2 { font: 600 1rem/1.4 var(--sans); margin: 0; }
.lead { font-size: 1.1rem; color: var(--ink-2); margin-top: 0.5rem; max-width: 46rem; }
.quiet, figcaption p { color: var(--ink-2); } .small { font-size: 0.8125rem; }
.scroll { overflow-x: auto; margin-top: 1.5rem; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.6rem 0 0.6rem 1.25rem; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: baseline; }
th { color: var(--ink-2); font-size: 0.8125rem; font-weight: 500; }
.text, th:first-child, td:first-child { text-align: left; } th:first-child, td:first-child { padding-left: 0; }
td strong { font: 500 1.35rem/1 var(--serif); font-variant-numeric: lining-nums tabular-nums; }
.swatch { vertical-align: -1px; margin-right: 0.5rem; overflow: visible; flex: none; }
.notes { margin: 1.25rem 0 0; padding: 0; list-style: none; font-size: 0.875rem; color: var(--ink-2); }
.notes li { margin-top: 0.3rem; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2.75rem 3.5rem; margin-top: 2.75rem; }
@media (min-width: 60rem) { .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); } .plots > div { display: grid; gap: 2.75rem; align-content: start; } }
@media (max-width: 59.99rem) { .plots > div { display: contents; } }
figcaption p { font-size: 0.875rem; margin-top: 0.1rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; padding: 0; margin-top: 0.6rem; font-size: 0.875rem; }
.legend li { display: flex; align-items: center; overflow-wrap: anywhere; }
.plot { display: block; width: 100%; margin-top: 0.75rem; overflow: visible; }
.plot text { fill: var(--ink); font: 13px var(--sans); } .plot .tick { fill: var(--ink-2); font-size: 11px; font-variant-numeric: tabular-nums; }
.plot tspan.quiet { fill: var(--ink-2); font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; }
.mark > * { fill: var(--c); stroke: var(--paper); stroke-width: 1.5; } .mark > title { display: none; }
.whisker { stroke: var(--c); stroke-width: 3; opacity: 0.4; stroke-linecap: round; }
.line { stroke: var(--c); stroke-width: 2; stroke-linecap: round; } .level { stroke: var(--c); stroke-width: 1.5; stroke-dasharray: 4 4; }
fieldset { border: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.5rem; margin-top: 1rem; font-size: 0.875rem; }
legend { padding: 0; color: var(--ink-2); margin-bottom: 0.4rem; }
fieldset label { display: inline-flex; align-items: center; gap: 0.35rem; padding: 0.35rem 0.8rem; border: 1px solid var(--line); border-radius: 99px; background: var(--card); cursor: pointer; overflow-wrap: anywhere; }
fieldset label .swatch { margin: 0; } fieldset input { position: absolute; opacity: 0; }
fieldset label:has(:checked) { border-color: var(--ink); box-shadow: inset 0 0 0 1px var(--ink); }
fieldset label:has(:focus-visible) { outline: 2px solid var(--accent); outline-offset: 2px; }
.cards .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1rem; margin-top: 1.25rem; }
.card { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: 1rem; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; font-size: 0.9375rem; align-items: start; }
.pictures { display: grid; gap: 0.5rem; } .pictures:empty { display: none; } .card:has(.pictures:empty) { grid-template-columns: minmax(0, 1fr); }
.pictures img { width: 100%; height: auto; border-radius: 6px; background: #fff; display: block; }
.said p { overflow-wrap: anywhere; white-space: pre-line; } .asked { font-weight: 600; } .asked:not(.user) { font-weight: 400; }
.expected { margin-top: 0.25rem; } .said ul { list-style: none; padding: 0; margin: 0.75rem 0; display: grid; gap: 0.6rem; }
.said li { display: flex; align-items: baseline; } .said li > div { min-width: 0; }
.who { font-size: 0.8125rem; color: var(--ink-2); } .verdict { font-size: 0.8125rem; font-weight: 600; color: var(--ink-2); }
.verdict.right { color: var(--good); } .verdict.wrong { color: var(--bad); }
details { margin-top: 1rem; } summary { cursor: pointer; padding: 0.35rem 0; } :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
footer { margin-top: 4rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: 0.875rem; color: var(--ink-2); max-width: 52rem; }
footer p + p { margin-top: 0.6rem; }
@media (max-width: 28rem) { .card { grid-template-columns: minmax(0, 1fr); } .pictures img { width: auto; max-width: 100%; } }
@media print { .cards fieldset { display: none; } .card { break-inside: avoid; } }
`;
