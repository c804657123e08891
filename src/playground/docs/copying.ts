/** How long a button says that it has copied. */
const SAID_MS = 1600;

/** Gives every example a button that copies it. */
export function startCopying(): void {
  for (const figure of document.querySelectorAll("figure.code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const text = figure.querySelector("code")?.textContent ?? "";
      button.textContent = await copied(text);
      setTimeout(() => {
        button.textContent = "Copy";
      }, SAID_MS);
    });
    figure.append(button);
  }
}

async function copied(text: string): Promise<string> {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied";
  } catch {
    return "Not allowed";
  }
}
