import { render } from "hono/jsx/dom";
import { randomKey } from "#client/platform.ts";
import { createActions } from "./actions.ts";
import { App } from "./app.tsx";
import { emptyDraft } from "./asking/draft.ts";
import { linkedOf } from "./asking/permalink.ts";
import type { Browser } from "./browser.ts";
import { keptPass, onPassOfOtherTab } from "./pass/keep.ts";
import { passOf } from "./pass/pass.ts";
import { idlePrivate } from "./private/desk.ts";
import type { State } from "./state.ts";
import { createStore } from "./store.ts";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

const browser: Browser = {
  baseUrl: location.origin,
  now: () => Date.now(),
  isOnline: () => navigator.onLine,
  prefersReducedMotion: () => calm.matches,
  newKey: randomKey,
};

const store = createStore<State>({
  pass: keptPass(Date.now()),
  models: null,
  draft: emptyDraft,
  arriving: [],
  quote: null,
  fieldProblems: [],
  run: null,
  trouble: null,
  private: { ...idlePrivate, isOffline: !navigator.onLine },
  scrubbed: null,
  heat: "order",
});
const actions = createActions(store, browser);

readFragment();
addEventListener("hashchange", readFragment);
onPassOfOtherTab(actions.refreshPass);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) actions.refreshPass();
});
for (const event of ["online", "offline"])
  addEventListener(event, () => {
    actions.setOffline(!navigator.onLine);
    if (navigator.onLine) void actions.loadModels();
  });
document.addEventListener("paste", ({ clipboardData }) => addAll(clipboardData));
// Anywhere on the page: what is dropped beside the place for it must not replace the page.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.documentElement.classList.add("dragging");
});
document.addEventListener("dragleave", endDragging);
document.addEventListener("drop", (event) => {
  event.preventDefault();
  endDragging();
  addAll(event.dataTransfer);
});

/** Takes what the address brings, a pass or a question, and leaves the pass out of it, so that nobody copies it along. */
function readFragment(): void {
  const pass = passOf(location.hash);
  const linked = linkedOf(location.hash);
  if (pass !== null) {
    history.replaceState(null, "", location.pathname);
    actions.takePass(pass);
  }
  if (linked !== null) void actions.openLink(linked);
}

function addAll(dropped: DataTransfer | null): void {
  for (const file of dropped?.files ?? []) void actions.addFile(file, file.name);
}

function endDragging(): void {
  document.documentElement.classList.remove("dragging");
}

const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
const place = document.getElementById("playground");
if (place !== null) {
  place.textContent = "";
  render(
    <App {...{ store, actions, isLocal }} baseUrl={browser.baseUrl} isCalm={calm.matches} />,
    place,
  );
}
