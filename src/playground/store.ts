/** What the page shows, in one value; whoever listens is told after each change. */
export interface Store<State> {
  get(): State;
  /** Lays what `change` gives over the state. */
  update(change: Partial<State> | ((state: State) => Partial<State>)): void;
  /** Returns what ends the listening. */
  subscribe(listener: () => void): () => void;
}

export function createStore<State extends object>(initial: State): Store<State> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    update(change) {
      const changed = typeof change === "function" ? change(state) : change;
      state = { ...state, ...changed };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
