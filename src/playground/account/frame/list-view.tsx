import { useEffect, useSyncExternalStore } from "hono/jsx/dom";
import type { JSX } from "hono/jsx/jsx-runtime";
import type { List, Listed } from "../data/list.ts";
import type { Loaded, Resource } from "../data/resource.ts";
import type { AccountTrouble } from "../data/trouble.ts";

/** What is known of something that is asked for, as it becomes known; asks for it when it is first shown. */
export function useResource<Value>(resource: Resource<Value>): Loaded<Value> {
  const loaded = useSyncExternalStore(resource.subscribe, resource.get);
  useEffect(() => {
    void resource.load();
  }, [resource]);
  return loaded;
}

export interface ListViewProps<Item> {
  readonly list: List<Item>;
  /** What it lists, for those who listen: `ledger entries`. */
  readonly of: string;
  /** What stands there when there is nothing, and what would bring something. */
  readonly empty: unknown;
  readonly children: (items: readonly Item[]) => unknown;
}

/** A list in each of its states: on its way, empty, whole, in part, and not to be had. */
export function ListView<Item>({ list, of, empty, children }: ListViewProps<Item>): JSX.Element {
  const { value, isLoading, trouble } = useResource<Listed<Item>>(list);
  return (
    <div class="listed" aria-busy={isLoading ? "true" : "false"}>
      {value !== null && value.items.length > 0 && (children(value.items) as JSX.Element)}
      {value?.items.length === 0 && trouble === null && (
        <div class="empty">{empty as JSX.Element}</div>
      )}
      {value === null && trouble === null && <Loading of={of} />}
      {trouble !== null && (
        <InlineTrouble
          trouble={trouble}
          partOf={value === null ? null : of}
          onAgain={() => void list.load()}
          isLoading={isLoading}
        />
      )}
      {value !== null && value.next !== null && trouble === null && (
        <button type="button" class="more" disabled={isLoading} onClick={() => void list.more()}>
          {isLoading ? "Loading …" : "Show more"}
        </button>
      )}
    </div>
  );
}

/** A resource that is no list, in each of its states. */
export function ResourceView<Value>({
  resource,
  of,
  children,
}: {
  readonly resource: Resource<Value>;
  readonly of: string;
  readonly children: (value: Value) => unknown;
}): JSX.Element {
  const { value, isLoading, trouble } = useResource<Value>(resource);
  return (
    <div class="listed" aria-busy={isLoading ? "true" : "false"}>
      {value !== null && (children(value) as JSX.Element)}
      {value === null && trouble === null && <Loading of={of} />}
      {trouble !== null && (
        <InlineTrouble
          trouble={trouble}
          partOf={value === null ? null : of}
          onAgain={() => void resource.load()}
          isLoading={isLoading}
        />
      )}
    </div>
  );
}

/** Grey lines where words will stand; said once to those who listen. */
function Loading({ of }: { readonly of: string }): JSX.Element {
  return (
    <div class="coming">
      <span class="unseen" role="status">
        Loading {of}
      </span>
      {[92, 78, 86].map((width) => (
        <i aria-hidden="true" style={{ "inline-size": `${width}%` }} />
      ))}
    </div>
  );
}

interface InlineTroubleProps {
  readonly trouble: AccountTrouble;
  /** What stands above as it was; null: nothing does. */
  readonly partOf: string | null;
  readonly onAgain: () => void;
  readonly isLoading: boolean;
}

/** What went wrong, where it went wrong: the rest of the page goes on. */
export function InlineTrouble({
  trouble,
  partOf,
  onAgain,
  isLoading,
}: InlineTroubleProps): JSX.Element {
  const { title, advice, action, reference } = trouble;
  return (
    <div class="amiss" role="alert">
      <p>
        <strong>{title}.</strong> {advice}
        {partOf !== null && ` Shown above are the ${partOf} that had come before.`}
      </p>
      <div class="row">
        {action === "try_again" && (
          <button type="button" disabled={isLoading} onClick={onAgain}>
            {isLoading ? "Trying …" : "Try again"}
          </button>
        )}
        {reference !== undefined && <code class="fine">{reference}</code>}
      </div>
    </div>
  );
}
