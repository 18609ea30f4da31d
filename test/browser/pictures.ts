/**
 * The pictures of docs/inspector.md: taken by every run, written by `npm run screenshots` alone.
 *
 * Callers: the tests of this folder. Invariant: the picture that the documents show is of the size that the
 * page would be shown at now, and small. What is on it differs by the run: ids, times.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

const folder = fileURLToPath(new URL('../../docs/images', import.meta.url));
const BYTES_MAX = 200_000;

/** Takes the picture `docs/images/<name>.png`, of the window. */
export async function picture(page: Page, name: string): Promise<void> {
  const taken = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  const file = join(folder, `${name}.png`);
  if (process.env['HOLDFAST_SCREENSHOTS'] === '1') {
    await mkdir(folder, { recursive: true });
    await writeFile(file, taken);
  }
  expect(existsSync(file), `${file}: npm run screenshots makes it`).toBe(true);
  const kept = await readFile(file);
  expect(sizeOf(kept)).toEqual(sizeOf(taken));
  expect(kept.length).toBeLessThan(BYTES_MAX);
}

/** Of a PNG: its header begins at byte 16. */
function sizeOf(png: Buffer): { readonly width: number; readonly height: number } {
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}
