import type { Page } from "#wire/api/page.ts";
import { createResource, type Reporter, type Resource } from "./resource.ts";

/** The part of a list that has come. */
export interface Listed<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; null: that was all. */
  readonly next: string | null;
}

export interface List<Item> extends Resource<Listed<Item>> {
  /** Asks for the next page; what has come stays where that fails. */
  more(): Promise<void>;
}

/** A list that comes page by page. Asked for again it begins anew, at the first page. */
export function createList<Item>(
  ask: (after: string | null) => Promise<Page<Item>>,
  reporter: Reporter,
): List<Item> {
  let isMore = false;
  const resource = createResource<Listed<Item>>(async (known) => {
    const before = isMore && known !== null ? known : { items: [], next: null };
    const { data, next_cursor: next } = await ask(before.next);
    return { items: [...before.items, ...data], next };
  }, reporter);
  const first = (begin: () => Promise<void>): Promise<void> => {
    isMore = false;
    return begin();
  };
  return {
    ...resource,
    // Where the first page was there and the next failed, trying again means the next.
    load: () =>
      resource.get().trouble !== null && isMore ? resource.load() : first(resource.load),
    reload: () => first(resource.reload),
    async more() {
      isMore = true;
      await resource.load();
      if (resource.get().trouble === null) isMore = false;
    },
  };
}
