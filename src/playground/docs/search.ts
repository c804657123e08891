import MiniSearch, { type SearchResult } from "minisearch";
import { type SearchEntry, searchOptions } from "./search-index.ts";

/** More is read by nobody. */
const MAX_RESULTS = 10;

/** So that one long page leaves room for others. */
const MAX_OF_A_PAGE = 2;

/** Brings the search to life. The index is fetched when somebody is about to search, and never before. */
export function startSearch(): void {
  const form = document.querySelector<HTMLFormElement>("form.search");
  const input = form?.querySelector("input");
  const list = form?.querySelector("ol");
  const status = form?.querySelector<HTMLElement>("[role=status]");
  const address = form?.dataset["index"];
  if (!form || !input || !list || !status || address === undefined) return;
  form.hidden = false;
  let index: Promise<MiniSearch<SearchEntry>> | undefined;
  const opened = (): Promise<MiniSearch<SearchEntry>> => {
    index ??= readIndex(address);
    return index;
  };
  input.addEventListener("focus", () => void opened().catch(() => undefined));
  const show = async (): Promise<void> => {
    const query = input.value.trim();
    try {
      const found = query === "" ? [] : chosenOf((await opened()).search(query));
      if (input.value.trim() !== query) return;
      list.replaceChildren(
        ...found.map((one) => result(String(one.id), String(one["title"]), String(one["heading"]))),
      );
      list.hidden = found.length === 0;
      status.textContent =
        query === "" ? "" : found.length === 0 ? "Nothing found." : `${found.length} found.`;
    } catch {
      index = undefined;
      status.textContent = "The search index could not be loaded; type on to try again.";
    }
  };
  input.addEventListener("input", () => void show());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.click();
  });
  form.addEventListener("keydown", (event) => move(event, input, list));
  document.addEventListener("keydown", (event) => {
    const isTyping =
      event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
  });
}

/** The best of each page, and no more than a person reads. */
function chosenOf(found: readonly SearchResult[]): readonly SearchResult[] {
  const counts = new Map<string, number>();
  const some = found.filter(({ id }) => {
    const [page = ""] = String(id).split("#");
    const count = counts.get(page) ?? 0;
    counts.set(page, count + 1);
    return count < MAX_OF_A_PAGE;
  });
  return some.slice(0, MAX_RESULTS);
}

/** Arrows go through the results and back to the field, Escape closes them. */
function move(event: KeyboardEvent, input: HTMLInputElement, list: HTMLOListElement): void {
  if (event.key === "Escape") {
    input.value = "";
    list.replaceChildren();
    list.hidden = true;
    input.focus();
  }
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const stops: HTMLElement[] = [input, ...list.querySelectorAll("a")];
  const next = stops.indexOf(document.activeElement as HTMLElement) + step;
  event.preventDefault();
  stops[Math.min(Math.max(next, 0), stops.length - 1)]?.focus();
}

async function readIndex(address: string): Promise<MiniSearch<SearchEntry>> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the search index answered ${response.status}`);
  return MiniSearch.loadJSON(await response.text(), searchOptions);
}

function result(address: string, title: string, heading: string): HTMLLIElement {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = address;
  const name = document.createElement("strong");
  name.textContent = title;
  link.append(name);
  if (heading !== "") link.append(` ${heading}`);
  item.append(link);
  return item;
}
