/**
 * A directory with attachments and actors that hold them, in the parts a runtime is made of.
 *
 * Callers: attachments.test.ts. Invariant: what is open when a test ends is closed.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ProviderBook } from '../../src/actors/provider-book.js';
import { assemble, type Assembly } from '../../src/assembly.js';
import { sha256Hex } from '../../src/ids.js';
import { silentLogger } from '../../src/index.js';
import { renderArtifact } from '../../src/simulator/index.js';
import { openLevelStore, type Store } from '../../src/store/index.js';
import { keepers } from '../kernel/keeper.js';
import { newDirectory } from '../store/place.js';
import { createMovableClock, type MovableClock } from './movable-clock.js';

const LOOKS_MAX = 10_000;

export interface Place {
  readonly directory: string;
  readonly clock: MovableClock;
  readonly parts: Assembly;
  /** Ends everything without a word, as a crash does, and opens the directory again. */
  readonly crash: () => Promise<Place>;
  readonly close: () => Promise<void>;
}

export async function openPlace(
  directory?: string,
  wrap: (store: Store) => Store = (store) => store,
): Promise<Place> {
  const path = directory ?? join(await newDirectory(), 'place');
  const store = await openLevelStore({ directory: path, durability: 'process' });
  const clock = createMovableClock();
  const options = { directory: path, clock, log: silentLogger };
  const parts = await assemble(options, wrap(store), new ProviderBook([]));
  parts.kernel.define(keepers);
  await parts.attachments.recover();
  await parts.kernel.start();
  const close = async (): Promise<void> => {
    await parts.backups.close();
    await parts.kernel.close(0);
    await store.close();
  };
  onTestFinished(close);
  const crash = async (): Promise<Place> => {
    await store.close();
    return openPlace(path);
  };
  return { directory: path, clock, parts, crash, close };
}

/** A small image, another one for each name. */
export function image(name: string): { readonly bytes: Uint8Array; readonly file: string } {
  const request = { kind: 'image', prompt: name, seed: 1, index: 0, bytesMin: 0 } as const;
  const { bytes } = renderArtifact(request);
  return { bytes, file: `${sha256Hex(bytes)}.png` };
}

/** Puts the images of these names, and has `keeper/<id>` hold them as `name`. */
export async function kept({ parts }: Place, id: string, name: string, ...images: string[]): Promise<void> {
  await parts.kernel.create('keeper', id, {});
  await parts.attachments.during(async (lease) => {
    const refs = await Promise.all(images.map((each) => lease.put(image(each).bytes)));
    const files = refs.map(({ attachment }) => attachment);
    await parts.kernel.send(`keeper/${id}`, { type: 'hold', name, files });
  });
}

/** What is in the folder of attachments, and in its folder of parts. */
export function namesIn({ directory }: Pick<Place, 'directory'>): readonly string[] {
  const entries = readdirSync(join(directory, 'attachments'), { recursive: true, encoding: 'utf8' });
  return entries.filter((name) => name !== 'parts').toSorted();
}

/** Resolves once the folder has these names and no other. */
export async function untilNames(place: Pick<Place, 'directory'>, names: readonly string[]): Promise<void> {
  const wanted = names.toSorted().join();
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    if (namesIn(place).join() === wanted) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${namesIn(place).join()} are there, not ${wanted}`);
}
