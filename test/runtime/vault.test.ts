/** The runtime's secret: what is sealed with it, and the tokens of hooks. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Vault } from '../../src/actors/vault.js';
import type { TaskRef } from '../../src/providers/index.js';
import { secretBelow } from '../../src/store/index.js';

const vaultOf = (secret: string): Vault => new Vault(() => Promise.resolve(secret));
const ref: TaskRef = {
  taskId: 't1',
  endpoint: 'images',
  generation: 'v1',
  credential: 'default',
  secret: 'https://files.example.com/tasks/t1?signature=s3cr3t',
};

describe('a reference', () => {
  test('is kept sealed, and opened as it was', async () => {
    const kept = await vaultOf('one').kept(ref);
    expect(JSON.stringify(kept)).not.toMatch(/signature|example/);
    expect(await vaultOf('one').opened(kept)).toEqual(ref);
  });

  test('without a secret stays as it is', async () => {
    const { secret: _secret, ...plain } = ref;
    expect(await vaultOf('one').kept(plain)).toEqual(plain);
    expect(await vaultOf('one').opened(plain)).toEqual(plain);
  });

  test('sealed with another secret, or altered, is SECRET_CHANGED', async () => {
    const sealed = await vaultOf('one').seal('a text');
    const changed = { code: 'SECRET_CHANGED' };
    await expect(vaultOf('two').open(sealed)).rejects.toMatchObject(changed);
    await expect(vaultOf('one').open(`${sealed.slice(0, -4)}AAAA`)).rejects.toMatchObject(changed);
    await expect(vaultOf('one').open('')).rejects.toMatchObject(changed);
  });
});

describe('a token', () => {
  test('names one job at one provider', async () => {
    const vault = vaultOf('one');
    const token = await vault.token('kling', 'job_1');
    expect(token).toMatch(/^job_1\.[\w-]{43}$/);
    expect(await vault.jobOf('kling', token)).toBe('job_1');
    expect(await vault.jobOf('fal', token)).toBeUndefined();
    expect(await vault.jobOf('kling', token.replace('job_1', 'job_2'))).toBeUndefined();
    expect(await vaultOf('two').jobOf('kling', token)).toBeUndefined();
  });

  test.each(['', '.', 'job_1', 'job_1.', '.abc', 'job_1.abc'])('%j is forged', async (token) => {
    expect(await vaultOf('one').jobOf('kling', token)).toBeUndefined();
  });
});

test('a directory has one secret, which its owner alone may read', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-secret-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const secret = await secretBelow(directory);
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(await secretBelow(directory)).toBe(secret);
  expect(await readFile(join(directory, 'secret'), 'utf8')).toBe(`${secret}\n`);
  expect((await stat(join(directory, 'secret'))).mode & 0o777).toBe(0o600);
});
