/** Both stores, and a memory store behind the faulty one, keep the contract of the port. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { createMemoryDisk, openLevelStore, openMemoryStore } from '../../src/store/index.js';
import { faultyStore, storeContract, type StorePlace } from '../../src/testing/index.js';

async function levelPlace(): Promise<StorePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-contract-'));
  return {
    open: (purpose = 'run') => openLevelStore({ directory, purpose, durability: 'process' }),
    dispose: () => rm(directory, { recursive: true }),
  };
}

async function memoryPlace(): Promise<StorePlace> {
  const disk = createMemoryDisk();
  return {
    open: (purpose = 'run') => openMemoryStore({ disk, purpose }),
    failNextWrite: () => disk.failNextWrite('nothingWritten'),
    dispose: async () => undefined,
  };
}

async function faultyPlace(): Promise<StorePlace> {
  const place = await memoryPlace();
  return { ...place, open: async (purpose) => faultyStore(await place.open(purpose)) };
}

const cases = [
  ...storeContract({ name: 'LevelStore', place: levelPlace }),
  ...storeContract({ name: 'MemoryStore', place: memoryPlace }),
  ...storeContract({ name: 'a faulty store without faults', place: faultyPlace }),
];

for (const { name, run } of cases) test(name, run);
