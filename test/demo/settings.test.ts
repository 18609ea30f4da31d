import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aimsOf, PHASES, scriptOf, wantedOf } from '../../src/cli/demo/plan.js';
import { settingsOf, type DemoFlags } from '../../src/cli/demo/settings.js';
import { parseScript } from '../../src/simulator/index.js';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-settings-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const settings = (flags: DemoFlags, env = {}) => settingsOf({ dir: join(root, 'fresh'), ...flags }, env);
const key = { OPENAI_API_KEY: 'sk-test' };

describe('flags', () => {
  test('are 12 jobs, 6 kills and a drawn seed unless given', () => {
    expect(settings({})).toMatchObject({ jobs: 12, kills: 6, endpoint: { type: 'simulator' }, json: false });
    expect(settings({}).seed).toBeGreaterThan(0);
  });

  test('are one job and no kills at a real endpoint', () => {
    expect(settings({ provider: 'openai', baseUrl: 'https://gateway.test/v1' }, key)).toMatchObject({
      jobs: 1,
      kills: 0,
      endpoint: { type: 'openai', baseUrl: 'https://gateway.test/v1' },
    });
  });

  test.each<[string, DemoFlags, string]>([
    ['negative jobs', { jobs: '-1' }, 'INVALID_INPUT'],
    ['half a kill', { kills: '0.5' }, 'INVALID_INPUT'],
    ['a seed of letters', { seed: 'x' }, 'INVALID_INPUT'],
    ['no number at all', { jobs: '' }, 'INVALID_INPUT'],
    ['a blank prompt', { prompt: '  ' }, 'INVALID_INPUT'],
    ['kills without jobs', { jobs: '0', kills: '1' }, 'INVALID_OPTIONS'],
    ['an unknown provider', { provider: 'acme' }, 'INVALID_OPTIONS'],
    ['a base URL without a provider', { baseUrl: 'https://x.test' }, 'INVALID_OPTIONS'],
    ['a base URL that is none', { provider: 'openai', baseUrl: 'ftp://x' }, 'INVALID_OPTIONS'],
    ['a real endpoint without a key', { provider: 'openai' }, 'INVALID_OPTIONS'],
  ])('refuse %s, and make no directory', (_what, flags, code) => {
    const dir = join(root, 'untouched');
    const env = flags.baseUrl === 'ftp://x' ? key : {};
    expect(() => settings({ ...flags, dir }, env)).toThrow(expect.objectContaining({ code }));
    expect(readdirSync(root)).not.toContain('untouched');
  });

  test('refuse a directory that has something in it, and a path that is a file', () => {
    const dir = join(root, 'full');
    mkdirSync(dir);
    writeFileSync(join(dir, 'thesis.txt'), 'mine');
    const refused = expect.objectContaining({ code: 'STORE_FOREIGN' });
    expect(() => settings({ dir })).toThrow(refused);
    expect(() => settings({ dir: join(dir, 'thesis.txt') })).toThrow(refused);
    expect(() => settings({ dir: join(dir, 'thesis.txt', 'below') })).toThrow(
      expect.objectContaining({ code: 'STORE_UNWRITABLE' }),
    );
    expect(readdirSync(dir)).toEqual(['thesis.txt']);
  });
});

describe('the plan', () => {
  const plan = (more: DemoFlags) => wantedOf(settings({ seed: '7', ...more }));

  test('is the same for the same seed, whatever the number of kills', () => {
    expect(plan({ kills: '0' })).toEqual(plan({ kills: '20' }));
    expect(plan({ seed: '8' })).not.toEqual(plan({}));
  });

  test('wants no prompt twice, videos and images, at both providers', () => {
    for (const more of [{ jobs: '40' }, { jobs: '40', prompt: 'one cat' }]) {
      const wanted = plan(more);
      expect(new Set(wanted.map(({ promptSha256 }) => promptSha256)).size).toBe(40);
      const places = new Set(wanted.map(({ provider, kind }) => `${provider} ${kind}`));
      expect(places).toEqual(new Set(['openai video', 'kling video', 'kling image']));
    }
    expect(plan({ prompt: 'one cat' })[0]?.prompt).toMatch(/^one cat \(/);
  });

  test('asks only openai at a real endpoint', () => {
    const wanted = wantedOf(settings({ provider: 'openai', jobs: '5' }, key));
    expect(wanted.map(({ provider, kind }) => `${provider} ${kind}`)).toEqual(Array(5).fill('openai video'));
  });

  test('aims at every phase within four kills, and five times as often within twenty', () => {
    expect(aimsOf(3, 4).toSorted()).toEqual(PHASES.toSorted());
    for (const phase of PHASES) expect(aimsOf(3, 20).filter((aim) => aim === phase)).toHaveLength(4);
    expect(aimsOf(3, 0)).toEqual([]);
  });

  test('has a script that the simulator takes', () => {
    expect(parseScript(scriptOf()).faults.length).toBeGreaterThan(4);
  });
});
