/**
 * Renders in a seeded world, where webhooks come late, twice and out of order, and processes die: what went
 * wrong there is a capsule.
 *
 *   npx tsx examples/simulation/simulate.ts [seed]
 */
import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { createTestRuntime, type Capsule } from 'holdfast/testing';
import { renderMachine, type ProviderEvent } from './render.js';

const RENDERS = 5;
const MINUTE_MS = 60_000;
const MINUTES = 90;

/** A render that was paid for and ready, and was not delivered. */
export interface Wrong {
  readonly seed: number;
  readonly capsule: Capsule;
}

interface Hook {
  readonly render: string;
  readonly event: ProviderEvent;
  readonly dueAt: number;
}

/** One run; what it finds wrong is the same for the same seed. */
export async function simulate(machine: typeof renderMachine, seed: number): Promise<Wrong | undefined> {
  const chance = dice(seed);
  const hooks: Hook[] = [];
  const ready = new Map<string, string>();
  let tasks = 0;

  /** The provider: decides at once, and tells later: bad news up to 20 minutes, some of it twice. */
  const ask = (_input: unknown, { actor }: { readonly actor: string }): { readonly task: string } => {
    tasks += 1;
    const task = `task-${tasks}`;
    const works = chance() < 0.7;
    const event: ProviderEvent = works
      ? { type: 'provider.done', task, url: `https://provider.example/${task}.mp4` }
      : { type: 'provider.failed', task };
    if (works) ready.set(actor, task);
    else ready.delete(actor);
    for (let times = chance() < 0.3 ? 2 : 1; times > 0; times -= 1)
      hooks.push({ render: actor, event, dueAt: test.clock.now() + chance() * (works ? 8 : 20) * MINUTE_MS });
    return { task };
  };
  const test = await createTestRuntime({
    define: (runtime) => ({ renders: runtime.define(machine) }),
    answers: { 'render.ask': ask, 'render.deliver': () => undefined },
  });
  for (let n = 1; n <= RENDERS; n += 1)
    await test.kinds.renders.create({ id: String(n), input: { prompt: `a lighthouse, number ${n}` } });

  for (let minute = 0; minute < MINUTES; minute += 1) {
    await test.advance(MINUTE_MS);
    for (const hook of hooks.filter(({ dueAt }) => dueAt <= test.clock.now())) {
      hooks.splice(hooks.indexOf(hook), 1);
      await test.kinds.renders.get(hook.render.slice('render/'.length)).send(hook.event);
    }
    if (chance() < 0.1) await test.crash();
  }

  for (const render of ready.keys()) {
    const { value } = (await test.kinds.renders.get(render.slice('render/'.length)).snapshot()) ?? {};
    if (value !== 'failed') continue;
    const wrong = { seed, capsule: await test.runtime.export(render) };
    await test.close();
    return wrong;
  }
  await test.close();
  return undefined;
}

/** mulberry32: numbers in [0, 1) that a seed decides. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.filename === argv[1]) {
  const wrong = await simulate(renderMachine, Number(argv[2] ?? 1));
  if (wrong === undefined) process.stdout.write('every render that was ready was delivered\n');
  else {
    writeFileSync('incident.json', JSON.stringify(wrong.capsule, null, 2));
    process.stdout.write(`${wrong.capsule.address} was ready and failed: incident.json\n`);
  }
}
