/** Stands in a page's Markdown where the calculator comes. */
export const CALCULATOR_MARK = "<!-- calculator -->";

interface Field {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly min?: number;
  readonly max?: number;
  readonly placeholder?: string;
}

/** The calculator before its script has come: hidden, since it says nothing without. `cards`: where they are. */
export function calculatorHtml(cards: string): string {
  const picture: readonly Field[] = [
    { name: "width", label: "Width in pixels", value: "1024", min: 1, max: 16_384 },
    { name: "height", label: "Height in pixels", value: "768", min: 1, max: 16_384 },
    { name: "pictures", label: "Pictures", value: "1", min: 0, max: 8 },
  ];
  const making: readonly Field[] = [
    { name: "canvas", label: "Canvas", value: "32", min: 1 },
    { name: "steps", label: "Steps", value: "", min: 1, max: 512, placeholder: "as the canvas" },
    { name: "refresh", label: "Refresh", value: "4", min: 1, max: 512 },
  ];
  const units: readonly Field[] = [
    { name: "view", label: "A view", value: "0", min: 0 },
    { name: "linear", label: "A position", value: "0", min: 0 },
    { name: "attention", label: "A position looking at one", value: "0", min: 0 },
  ];
  return `<form class="calculator" data-cards="${cards}" aria-label="Price calculator" hidden>
<div class="fields">
<p class="wide"><label for="price-model">Model</label><select id="price-model" name="model"></select></p>
${picture.map(fieldHtml).join("\n")}
<p class="wide"><label for="price-question">Question</label><input id="price-question" type="text" name="question" value="What is this?" autocomplete="off"></p>
${making.map(fieldHtml).join("\n")}
<p><label for="price-mode">Mode</label><select id="price-mode" name="mode"><option>exact</option><option>cached</option><option>fast</option></select></p>
<p><label for="price-detail">Detail</label><select id="price-detail" name="detail"><option>auto</option><option>low</option></select></p>
<details class="wide"><summary>Unit prices, in pico-dollars</summary><div class="fields">${units.map(fieldHtml).join("\n")}</div></details>
</div>
<output aria-live="polite"></output>
</form>
<noscript><p>The calculator needs JavaScript. <code>POST /v1/quotes</code> says the same.</p></noscript>`;
}

function fieldHtml({ name, label, value, min, max, placeholder }: Field): string {
  const id = `price-${name}`;
  const range = `${min === undefined ? "" : ` min="${min}"`}${max === undefined ? "" : ` max="${max}"`}`;
  const hint = placeholder === undefined ? "" : ` placeholder="${placeholder}"`;
  return `<p><label for="${id}">${label}</label><input id="${id}" type="number" inputmode="numeric" name="${name}" value="${value}"${range}${hint}></p>`;
}
