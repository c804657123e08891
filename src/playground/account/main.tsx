import { render } from "hono/jsx/dom";
import type { SessionBody } from "#wire/api/accounts/sessions.ts";
import { createStore } from "../store.ts";
import { createApi } from "./data/api.ts";
import { createDashboard } from "./data/dashboard.ts";
import type { Reporter } from "./data/resource.ts";
import { createSessions } from "./data/session.ts";
import { joinTabs } from "./data/tabs.ts";
import { accountTroubleOf, isSignedOut, signInTroubleOf } from "./data/trouble.ts";
import { App, type Place } from "./frame/app.tsx";

const api = createApi({ baseUrl: location.origin });
const place = createStore<Place>({ section: "", dashboard: null });

const reporter: Reporter = {
  troubleOf(cause) {
    if (isSignedOut(cause)) sessions.isOver();
    return accountTroubleOf(cause, navigator.onLine);
  },
  later: (callback, ms) => void setTimeout(callback, ms),
};

const tabs = joinTabs((told) => {
  if (told.kind === "session") void sessions.look();
  else place.get().dashboard?.refresh(told.topics);
});

const sessions = createSessions({
  api,
  troubleOf: (cause) => accountTroubleOf(cause, navigator.onLine),
  signInTroubleOf: (cause) => signInTroubleOf(cause, navigator.onLine),
  tellTabs: () => tabs.tell({ kind: "session" }),
});

/** Whoever signs in sees their own; who signs in again goes on where they were. */
sessions.subscribe(() => {
  const { state } = sessions.get();
  const { dashboard } = place.get();
  if (state.kind === "none") place.update({ dashboard: null });
  if (state.kind !== "open" || dashboard?.session === state.session) return;
  const { session } = state;
  if (dashboard !== null && isSameReach(dashboard.session, session)) {
    dashboard.refresh("all", true);
    return;
  }
  place.update({
    dashboard: createDashboard({
      ...{ api, session, reporter },
      now: () => Date.now(),
      tellTabs: (topics) => tabs.tell({ kind: "changed", topics }),
    }),
  });
});

function isSameReach(one: SessionBody, other: SessionBody): boolean {
  const reach = ({ role, account, scopes }: SessionBody): string =>
    JSON.stringify([role, account, scopes]);
  return reach(one) === reach(other);
}

/** A one-time code in the address is traded, and leaves it, so that nobody copies it along. */
function readAddress(): boolean {
  const fragment = location.hash.slice(1);
  const code = new URLSearchParams(fragment).get("code");
  if (code === null) {
    place.update({ section: fragment });
    return false;
  }
  history.replaceState(null, "", location.pathname);
  void sessions.signIn({ code });
  return true;
}

/** A tab that was away this long looks whether it is still signed in, and for what is new. */
const AWAY_MS = 60_000;
let leftAt = Date.now();
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    leftAt = Date.now();
    return;
  }
  if (Date.now() - leftAt < AWAY_MS) return;
  void sessions.look();
  place.get().dashboard?.refresh("all");
});
addEventListener("online", () => {
  if (sessions.get().state.kind === "unknown") void sessions.look();
  place.get().dashboard?.refresh("all", true);
});
addEventListener("hashchange", readAddress);

if (!readAddress()) void sessions.look();

const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
const root = document.getElementById("account");
if (root !== null) {
  root.textContent = "";
  render(<App {...{ sessions, place, isLocal }} />, root);
}
