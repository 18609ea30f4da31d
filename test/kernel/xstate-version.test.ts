/** The xstate beside us: its range is the manifest's, and another one is refused by name. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkXstate, XSTATE_RANGE } from '../../src/actors/kernel/xstate-version.js';

test('the range is the one that package.json asks npm for', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  expect(JSON.parse(manifest)).toMatchObject({ peerDependencies: { xstate: XSTATE_RANGE } });
});

test('takes the xstate that is installed here, later patches of it, and one that cannot be asked', () => {
  for (const version of [undefined, '5.33.3', '5.33.12']) expect(() => checkXstate(version)).not.toThrow();
});

test.each(['4.38.3', '5.20.0', '5.33.2', '5.34.0', '5.3.33', '6.0.0', ''])('refuses %j', (version) => {
  expect(() => checkXstate(version)).toThrow(expect.objectContaining({ code: 'XSTATE_VERSION' }));
});
