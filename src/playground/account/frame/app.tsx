import { useEffect, useRef, useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Store } from "../../store.ts";
import type { Dashboard } from "../data/dashboard.ts";
import type { Sessions } from "../data/session.ts";
import { InlineTrouble } from "./list-view.tsx";
import { type Section, sectionsOf } from "./sections.tsx";
import { SignIn, SignInAgain } from "./sign-in.tsx";

/** What the page is about at the moment, besides who is signed in. */
export interface Place {
  /** Name of the section, as the address has it behind `#`. */
  readonly section: string;
  /** Of whoever is signed in; stays while the session is over. */
  readonly dashboard: Dashboard | null;
}

export interface AppProps {
  readonly sessions: Sessions;
  readonly place: Store<Place>;
  readonly isLocal: boolean;
}

/** The account: the door, or what is behind it. */
export function App({ sessions, place, isLocal }: AppProps): JSX.Element {
  const shown = useSyncExternalStore(sessions.subscribe, sessions.get);
  const { section, dashboard } = useSyncExternalStore(place.subscribe, place.get);
  const { state, trouble, isBusy } = shown;
  if (state.kind === "unknown")
    return trouble === null ? (
      <p class="loading" role="status">
        Looking who is signed in …
      </p>
    ) : (
      <InlineTrouble
        {...{ trouble, isLoading: isBusy, partOf: null }}
        onAgain={() => void sessions.look()}
      />
    );
  if (state.kind === "none" || dashboard === null)
    return (
      <>
        <div class="hero">
          <h1>Your account</h1>
          <p class="lead">Money, keys, webhooks and answers, as the ledger has them.</p>
        </div>
        <SignIn {...{ sessions, shown, isLocal }} />
      </>
    );
  return (
    <>
      {state.kind === "over" && <SignInAgain {...{ sessions, shown, isLocal }} />}
      <Signed key={dashboard.session.id} {...{ dashboard, section, sessions, isBusy }} />
    </>
  );
}

interface SignedProps {
  readonly dashboard: Dashboard;
  readonly section: string;
  readonly sessions: Sessions;
  readonly isBusy: boolean;
}

function Signed({ dashboard, section, sessions, isBusy }: SignedProps): JSX.Element {
  const sections = sectionsOf(dashboard.session);
  const current = sections.find(({ id }) => id === section) ?? sections[0];
  return (
    <div class="account">
      <Side {...{ dashboard, sections, sessions, isBusy }} current={current?.id ?? ""} />
      <div class="sections">
        {sections.map((each) => (
          <SectionPlace
            key={each.id}
            section={each}
            dashboard={dashboard}
            isCurrent={each.id === current?.id}
          />
        ))}
      </div>
    </div>
  );
}

interface SideProps {
  readonly dashboard: Dashboard;
  readonly sections: readonly Section[];
  readonly sessions: Sessions;
  readonly current: string;
  readonly isBusy: boolean;
}

function Side({ dashboard, sections, sessions, current, isBusy }: SideProps): JSX.Element {
  const { session } = dashboard;
  return (
    <aside class="side">
      <p class="who">
        <strong>{session.role === "administrator" ? "Administrator" : session.account}</strong>
        <button
          type="button"
          class="quiet"
          disabled={isBusy}
          onClick={() => void sessions.signOut()}
        >
          Sign out
        </button>
      </p>
      <nav aria-label="Account">
        {sections.map(({ id, name }) => (
          <a href={`#${id}`} {...(id === current ? { "aria-current": "page" as const } : {})}>
            {name}
          </a>
        ))}
      </nav>
    </aside>
  );
}

interface SectionPlaceProps {
  readonly section: Section;
  readonly dashboard: Dashboard;
  readonly isCurrent: boolean;
}

/** A section. Once seen it stays as it was left, with what was typed in it. */
function SectionPlace({ section, dashboard, isCurrent }: SectionPlaceProps): JSX.Element {
  const { name, View } = section;
  const wasSeen = useRef(false);
  if (isCurrent) wasSeen.current = true;
  useEffect(() => {
    if (isCurrent) document.title = `${name} — Unmask`;
  }, [isCurrent]);
  return (
    <div class="section" hidden={!isCurrent}>
      {wasSeen.current && <View dashboard={dashboard} />}
    </div>
  );
}
