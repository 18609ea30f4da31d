/**
 * What the oracle remembers of what is on disk, write by write, so that a loss of power takes it back.
 *
 * Callers: the oracle's rules. Invariant: what was noted with a write is forgotten when the write is lost.
 */
export class Memory<Value> {
  readonly #values = new Map<string, Value>();
  readonly #writes: Writes;

  constructor(writes: Writes) {
    this.#writes = writes;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Value): void {
    const before = this.#values.get(key);
    this.#values.set(key, value);
    this.#writes.noteUndo(() => {
      if (before === undefined) this.#values.delete(key);
      else this.#values.set(key, before);
    });
  }

  delete(key: string): void {
    const before = this.#values.get(key);
    if (before === undefined) return;
    this.#values.delete(key);
    this.#writes.noteUndo(() => this.#values.set(key, before));
  }

  entries(): IterableIterator<[string, Value]> {
    return this.#values.entries();
  }
}

/** The writes whose notes can still be taken back. */
export class Writes {
  readonly #undos: (() => void)[][] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  begin(): void {
    this.#undos.push([]);
    if (this.#undos.length > this.#max) this.#undos.shift();
  }

  noteUndo(undo: () => void): void {
    this.#undos.at(-1)?.push(undo);
  }

  lose(count: number): void {
    for (const undos of this.#undos.splice(this.#undos.length - count).reverse())
      for (const undo of undos.reverse()) undo();
  }
}
