import type { Page } from "playwright-core";

/** Drops a file onto the page, as a person does. */
export async function drop(page: Page, bytes: Buffer, name: string, type: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ base64, name, type }) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type }));
      return transfer;
    },
    { base64: bytes.toString("base64"), name, type },
  );
  await page.locator(".drop").dispatchEvent("drop", { dataTransfer: transfer });
}
