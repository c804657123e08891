// The button in the header: light, dark, or what the system says. Without it the system's choice holds.

const KEY = "unmask-theme";

const choices = ["system", "light", "dark"] as const;

const names = { system: "Auto", light: "Light", dark: "Dark" } as const;

type Choice = (typeof choices)[number];

function chosen(): Choice {
  const stored = localStorage.getItem(KEY);
  return choices.find((choice) => choice === stored) ?? "system";
}

function apply(choice: Choice, button: HTMLElement | null): void {
  const { dataset } = document.documentElement;
  if (choice === "system") delete dataset["theme"];
  else dataset["theme"] = choice;
  if (button === null) return;
  button.textContent = names[choice];
  button.ariaLabel = `Theme: ${names[choice]}`;
}

const button = document.getElementById("theme");
apply(chosen(), button);
if (button !== null) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = choices[(choices.indexOf(chosen()) + 1) % choices.length] ?? "system";
    localStorage.setItem(KEY, next);
    apply(next, button);
  });
}
