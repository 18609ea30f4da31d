/**
 * When an artifact file may go: nobody refers to it, and nobody is about to.
 *
 * Owns: the removal of files from the artifacts directory. Callers: runtime.ts (told by the kernel), the job
 * effects.
 * Invariant: between a download's end and the commit that refers to its file, no file is removed: the names
 * are content hashes, so a new job may be about to refer to the very file an old one has just let go.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../log.js';
import type { Kernel } from './kernel/index.js';

export class ArtifactFiles {
  readonly directory: string;
  readonly #kernel: Kernel;
  readonly #log: Logger;
  /** Jobs whose fetch is under way, until the step that consumes its result is on disk. */
  readonly #fetching = new Set<string>();
  readonly #unreferenced = new Set<string>();

  constructor(directory: string, kernel: Kernel, log: Logger) {
    this.directory = directory;
    this.#kernel = kernel;
    this.#log = log;
    kernel.onStep(({ address, kind }) => {
      if (kind === 'job') this.#ended(address);
    });
  }

  /** A fetch begins; it ends with the job's next step. */
  begin(address: string): void {
    this.#fetching.add(address);
  }

  /** A file that no actor refers to any more. */
  letGo(sha256: string): void {
    this.#unreferenced.add(sha256);
    this.#sweep();
  }

  #ended(address: string): void {
    if (this.#fetching.delete(address)) this.#sweep();
  }

  #sweep(): void {
    if (this.#fetching.size > 0) return;
    for (const sha256 of this.#unreferenced) {
      this.#remove(sha256).catch((error: unknown) =>
        this.#log.warn({ err: error, sha256 }, 'artifact.remove.failed'),
      );
    }
  }

  async #remove(sha256: string): Promise<void> {
    const referenced = await this.#kernel.reader.isReferenced(sha256);
    // Synchronous from here on: a fetch that begins later finds the file gone and makes it again.
    if (!this.#unreferenced.has(sha256) || this.#fetching.size > 0) return;
    this.#unreferenced.delete(sha256);
    if (referenced) return;
    for (const name of readdirSync(this.directory)) {
      if (name.startsWith(`${sha256}.`)) rmSync(join(this.directory, name), { force: true });
    }
  }
}
