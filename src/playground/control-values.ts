/** What stands in the control that an event is of. */
export function textOf(event: Event): string {
  return (event.currentTarget as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement).value;
}

/** The number that stands in it; null where it is empty. */
export function numberOf(event: Event): number | null {
  const text = textOf(event);
  return text === "" ? null : Number(text);
}
