/** What docs/simulator.md says, run: its scripts and its code are in examples/simulator. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { billedOnce } from '../../examples/simulator/billed-once.js';
import { dialects } from '../../src/simulator/dialects/index.js';
import { readScript } from '../../src/simulator/index.js';
import { PROVIDERS } from '../../src/simulator/script-words.js';
import { get, opened } from './opened.js';

const text = readFileSync('docs/simulator.md', 'utf8');
const blocks = [...text.matchAll(/^```json (\S+)\n([\s\S]*?)^```/gm)];

test('the guide has the scripts of its examples, word for word', () => {
  expect(blocks.map(([, file]) => file)).toEqual([
    'examples/simulator/slow-queue.json',
    'examples/simulator/bad-day.json',
    'examples/simulator/webhooks.json',
  ]);
  for (const [, file = '', block] of blocks) expect(block).toBe(readFileSync(file, 'utf8'));
});

test.each(blocks.map(([, file = '']) => [file]))('%s is a script', (file) => {
  expect(readScript(file).artifacts.videoBytes).toBe(262_144);
});

test('the example bills once, although the answer was lost', async () => {
  expect(await billedOnce()).toEqual({ billed: 1, status: 'done' });
});

test('every provider has a base URL, and its routes are below it', async () => {
  const { url, baseUrls } = await opened();
  expect(Object.keys(baseUrls).toSorted()).toEqual([...PROVIDERS]);
  for (const { provider, mount } of dialects) {
    expect(`${url}${mount}/`.startsWith(`${baseUrls[provider]}/`)).toBe(true);
    const response = await get(`${url}${mount}/nothing/is/here`);
    expect(await response.text()).not.toContain('nothing is served');
  }
});
