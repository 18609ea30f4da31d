/**
 * When an artifact file may go: nobody refers to it, and nobody is about to.
 *
 * Owns: the removal of files from the artifacts directory. Callers: runtime.ts (told by the kernel),
 * backups, the job effects. Invariant: between a download's end and the commit that refers to its file, no
 * file is removed: the names are content hashes, so a new job may be about to refer to the very file an old
 * one has just let go.
 */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Logger } from '../log.js';
import type { Kernel } from './kernel/index.js';

export class ArtifactFiles {
  readonly directory: string;
  readonly #kernel: Kernel;
  readonly #log: Logger;
  /** The newest fetch of each job, until what it brought is referred to on disk, or not wanted any more. */
  readonly #fetching = new Map<string, symbol>();
  #begun = 0;
  readonly #unreferenced = new Set<string>();

  constructor(directory: string, kernel: Kernel, log: Logger) {
    this.directory = directory;
    this.#kernel = kernel;
    this.#log = log;
    // Steps that leave a job fetching (a message of an earlier outcome was delivered) end no fetch.
    kernel.onStep(({ address, snapshot }) => {
      if (this.#fetching.has(address) && !snapshot.matches('fetching')) this.#end(address);
    });
  }

  /**
   * Holds every removal up while `fetch` runs; and, when it says that it brought something, until the job is
   * no longer fetching.
   */
  async during<T>(address: string, fetch: () => Promise<T>, brought: (found: T) => boolean): Promise<T> {
    const own = Symbol(address);
    this.#fetching.set(address, own);
    this.#begun += 1;
    let kept = false;
    try {
      const found = await fetch();
      kept = brought(found);
      return found;
    } finally {
      if (!kept && this.#fetching.get(address) === own) this.#end(address);
    }
  }

  /**
   * Where an artifact lies, by the path it was fetched to: its directory may have been moved since, or
   * restored elsewhere.
   */
  pathOf(path: string): string {
    return join(this.directory, basename(path));
  }

  /** A file that no actor refers to any more. */
  letGo(file: string): void {
    this.#unreferenced.add(file);
    this.#sweep();
  }

  #end(address: string): void {
    this.#fetching.delete(address);
    this.#sweep();
  }

  #sweep(): void {
    if (this.#fetching.size > 0) return;
    for (const file of this.#unreferenced) {
      this.#remove(file).catch((error: unknown) =>
        this.#log.warn({ err: error, file }, 'artifact.remove.failed'),
      );
    }
  }

  async #remove(file: string): Promise<void> {
    const begun = this.#begun;
    const referenced = await this.#kernel.reader.isReferenced(file);
    // A fetch that began while we looked may have ended too, and its job may refer to this very file by now.
    if (!this.#unreferenced.has(file) || this.#fetching.size > 0) return;
    if (begun !== this.#begun) return this.#remove(file);
    // Synchronous from here on: a fetch that begins later finds the file gone and makes it again.
    this.#unreferenced.delete(file);
    if (referenced) return;
    rmSync(join(this.directory, file), { force: true });
  }
}
