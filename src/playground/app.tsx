import { useEffect, useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Actions } from "./actions.ts";
import { isBlank } from "./asking/draft.ts";
import { waitsForNames, waitsForPictures } from "./asking/waits.ts";
import { SpokenLine } from "./canvas/reading-line.tsx";
import { ValuesView } from "./fields/values-view.tsx";
import { modelOf, type State } from "./state.ts";
import type { Store } from "./store.ts";
import { AskView } from "./views/ask-view.tsx";
import { CopyView } from "./views/copy-view.tsx";
import { PassView } from "./views/pass-view.tsx";
import { ResultView } from "./views/result-view.tsx";
import { TroubleView } from "./views/trouble-view.tsx";

export interface AppProps {
  readonly store: Store<State>;
  readonly actions: Actions;
  readonly baseUrl: string;
  /** On this machine `npm start` gives passes out. */
  readonly isLocal: boolean;
  readonly isCalm: boolean;
}

/** So long nothing is typed before the price is asked for. */
const QUOTE_MS = 350;

/** The playground: the question on one side, the canvas on the other. */
export function App({ store, actions, baseUrl, isLocal, isCalm }: AppProps): JSX.Element {
  const state = useSyncExternalStore(store.subscribe, store.get);
  const { pass, draft, arriving, trouble, run } = state;
  const modelId = modelOf(state)?.id;
  const isPrivate = state.private.isOn;
  const areValues = run === null ? draft.wants === "values" : run.reading !== null;
  useEffect(() => {
    void actions.loadModels();
  }, [pass?.token]);
  useEffect(() => {
    if (modelId !== undefined) void actions.lookPrivate();
  }, [modelId]);
  useEffect(() => {
    const timer = setTimeout(() => void actions.loadQuote(), QUOTE_MS);
    return () => clearTimeout(timer);
  }, [draft, arriving.length === 0, pass?.token, isPrivate]);
  return (
    <>
      <div class="hero">
        <h1>Ask a picture. Watch the answer unmask.</h1>
      </div>
      {trouble !== null && <TroubleView {...{ trouble, actions }} />}
      {pass === null && <PassView {...{ actions, isLocal }} />}
      <div class="columns">
        <AskView {...{ state, actions }} />
        <div class="watch">
          {areValues ? (
            <ValuesView {...{ state, actions }} />
          ) : (
            <ResultView {...{ state, actions, isCalm }} />
          )}
          {!isBlank(draft) && (
            <CopyView
              {...{ draft, baseUrl }}
              waits={waitsForPictures(state) ?? waitsForNames(draft)}
            />
          )}
        </div>
      </div>
      <SpokenLine film={run?.film ?? null} />
    </>
  );
}
