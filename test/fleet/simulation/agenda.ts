/** What is to happen, in virtual time. A binary heap; of two things at one moment the one that was planned first comes first. */
export class Agenda {
  now = 0;
  #planned = 0;
  readonly #heap: { readonly at: number; readonly turn: number; readonly happen: () => void }[] =
    [];

  /** Plans something for a moment, now at the soonest. Milliseconds. */
  at(moment: number, happen: () => void): void {
    const heap = this.#heap;
    this.#planned += 1;
    heap.push({ at: Math.max(moment, this.now), turn: this.#planned, happen });
    let place = heap.length - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  after(milliseconds: number, happen: () => void): void {
    this.at(this.now + milliseconds, happen);
  }

  /** Lets everything happen until a moment, or until nothing is planned. */
  runUntil(moment: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= moment; next = this.#heap[0]) {
      this.#removeFirst();
      this.now = next.at;
      next.happen();
    }
    this.now = Math.max(this.now, moment);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let place = 0; ; ) {
      let least = place;
      for (const child of [2 * place + 1, 2 * place + 2])
        if (child < heap.length && this.#isBefore(child, least)) least = child;
      if (least === place) return;
      this.#swap(place, least);
      place = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    if (first === undefined || second === undefined) return false;
    return first.at === second.at ? first.turn < second.turn : first.at < second.at;
  }

  #swap(one: number, other: number): void {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    if (first === undefined || second === undefined) return;
    this.#heap[one] = second;
    this.#heap[other] = first;
  }
}
