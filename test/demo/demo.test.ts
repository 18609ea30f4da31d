import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { driverEntry, readEntries, receiverEntry } from '../../src/cli/demo/facts.js';
import { readLedger, startSimulator } from '../../src/simulator/index.js';
import { agentPids, isAlive, startDemo, until } from './program.js';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-demo-test-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the demo', () => {
  test('loses nothing, pays once, and ends with the same files as a run without kills', async () => {
    const dir = join(root, 'killed');
    const same = ['--jobs', '6', '--seed', '7'];
    const [killed, calm] = await Promise.all([
      startDemo([...same, '--kills', '4', '--dir', dir]).ended,
      startDemo([...same, '--kills', '0', '--json', '--dir', join(root, 'calm')]).ended,
    ]);
    expect(killed).toMatchObject({ code: 0, err: '' });
    expect(killed.out).not.toContain('\u001b');
    expect(killed.json()).toMatchObject({ jobs: 6, billed: 6, uniqueDeliveries: 6, kills: 4, seed: 7 });
    expect(killed.json()).toMatchObject({ lost: 0, billedTwice: 0 });
    expect(killed.json()['delivered']).toBeGreaterThanOrEqual(6);

    const driver = readEntries(join(dir, 'ledger-driver.ndjson'), driverEntry);
    const signals = driver.flatMap((entry) => (entry.event === 'agent.exited' ? [entry.signal] : []));
    expect(signals.filter((signal) => signal === 'SIGKILL')).toHaveLength(4);
    expect(driver.at(-1)).toMatchObject({ event: 'ended', reason: 'complete' });
    const killedIn = Object.values(Object(killed.json()['killedIn']) as Record<string, number>);
    for (const count of killedIn) expect(count).toBeLessThanOrEqual(4);
    expect(Math.max(...killedIn)).toBeGreaterThan(0);
    expect(killed.out.match(/SIGKILL #\d/g)).toHaveLength(4);

    const bills = readLedger(join(dir, 'ledger-simulator.ndjson')).filter(
      (entry) => entry.event === 'submit.billed',
    );
    const deliveries = readEntries(join(dir, 'ledger-receiver.ndjson'), receiverEntry);
    expect(bills).toHaveLength(6);
    expect(new Set(deliveries.map((entry) => entry.deliveryId)).size).toBe(6);
    const files = readdirSync(join(dir, 'agent', 'artifacts'), { withFileTypes: true });
    expect(files.filter((entry) => entry.isFile())).toHaveLength(6);

    expect(calm).toMatchObject({ code: 0, err: '' });
    expect(calm.out.trimEnd().split('\n')).toHaveLength(1);
    expect(calm.json()).toMatchObject({ kills: 0, billed: 6, delivered: 6 });
    expect(calm.json()['artifacts']).toBe(killed.json()['artifacts']);
  });

  test('works at any endpoint that speaks the protocol, and leaves the bill to it', async () => {
    await using gateway = await startSimulator({
      script: { life: { queued: { ms: 0 }, running: { ms: 0 } }, keys: ['sk-real'] },
    });
    const base = `${gateway.url}/openai/v1`;
    const dir = join(root, 'gateway');
    const words = ['--provider', 'openai', '--base-url', base, '--seed', '5', '--dir', dir];
    const ended = await startDemo(words, { OPENAI_API_KEY: 'sk-real' }).ended;
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.json()).toMatchObject({ jobs: 1, billed: null, billedTwice: null, delivered: 1, lost: 0 });
    expect(ended.out).toContain('bill: see your provider');
    expect(ended.out).not.toContain('sk-real');
    expect(gateway.ledger().filter((entry) => entry.event === 'submit.billed')).toHaveLength(1);
  });

  test('refuses what makes no sense with exit code 2, and starts nothing', async () => {
    const ended = await startDemo(['--jobs', '-3']).ended;
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toContain('INVALID_INPUT');
  });
});

describe('the end of the driver', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const)('by %s is the end of its children', async (signal, code) => {
    const dir = join(root, `ended-${signal}`);
    const running = startDemo(['--jobs', '4', '--kills', '0', '--seed', '9', '--dir', dir]);
    const pid = await until('the agent is ready', () => agentPids(dir)[0]);
    expect(isAlive(pid)).toBe(true);
    running.process.kill(signal);
    const ended = await running.ended;
    expect(ended.code).toBe(code);
    // The pipes end only when every process that inherited them has: receiver and simulator too.
    await until('the agent is gone', () => (isAlive(pid) ? undefined : true));
  });
});
