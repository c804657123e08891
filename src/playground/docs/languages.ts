/** Where the language is kept that a person reads examples in. */
const CHOICE = "unmask.docs.language";

/** Puts the languages of each example behind tabs, all pages in the one that was chosen last. Without it all are shown. */
export function startLanguages(): void {
  const groups = [...document.querySelectorAll<HTMLElement>(".languages")].map(tabbed);
  const choose = (language: string): void => {
    for (const show of groups) show(language);
  };
  choose(readChoice());
  document.addEventListener("language", (event) => {
    if (!(event instanceof CustomEvent)) return;
    choose(String(event.detail));
    keepChoice(String(event.detail));
  });
}

let made = 0;

/** Source: WAI-ARIA Authoring Practices, tabs with automatic activation. */
function tabbed(group: HTMLElement): (language: string) => void {
  const panels = [...group.querySelectorAll<HTMLElement>("figure")];
  const bar = document.createElement("div");
  bar.className = "tabs";
  bar.setAttribute("role", "tablist");
  bar.setAttribute("aria-label", "Language");
  const tabs = panels.map((panel) => {
    const id = `language-${made++}`;
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `${id}-tab`;
    tab.textContent = panel.dataset["label"] ?? "";
    tab.dataset["language"] = panel.dataset["language"] ?? "";
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", id);
    panel.id = id;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => chosen(tab));
    return tab;
  });
  bar.append(...tabs);
  bar.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const at = tabs.findIndex((tab) => tab === document.activeElement);
    const next = tabs.at((at + step) % tabs.length);
    if (step === 0 || at === -1 || next === undefined) return;
    event.preventDefault();
    next.focus();
    chosen(next);
  });
  group.prepend(bar);
  const outputs = outputsOf(group);
  return (language) => {
    const wanted = tabs.findIndex((tab) => tab.dataset["language"] === language);
    const shown = Math.max(wanted, 0);
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === shown));
      tab.tabIndex = index === shown ? 0 : -1;
    });
    panels.forEach((panel, index) => {
      panel.hidden = index !== shown;
    });
    const now = tabs[shown]?.dataset["language"] ?? "";
    for (const output of outputs)
      output.hidden = output.dataset["printedBy"]?.split(" ").includes(now) === false;
  };
}

/** What stands directly below the examples and is printed by some of them. */
function outputsOf(group: HTMLElement): readonly HTMLElement[] {
  const outputs: HTMLElement[] = [];
  let next = group.nextElementSibling;
  while (next instanceof HTMLElement && next.matches("figure[data-printed-by]")) {
    outputs.push(next);
    next = next.nextElementSibling;
  }
  return outputs;
}

function chosen(tab: HTMLElement): void {
  // What lies above grows or shrinks: the tab stays where the person's eye is.
  const before = tab.getBoundingClientRect().top;
  document.dispatchEvent(new CustomEvent("language", { detail: tab.dataset["language"] }));
  window.scrollBy(0, tab.getBoundingClientRect().top - before);
}

/** Browsers may forbid pages to keep anything. */
function readChoice(): string {
  try {
    return localStorage.getItem(CHOICE) ?? "sh";
  } catch {
    return "sh";
  }
}

function keepChoice(language: string): void {
  try {
    localStorage.setItem(CHOICE, language);
  } catch {
    // The next page then begins with curl again.
  }
}
