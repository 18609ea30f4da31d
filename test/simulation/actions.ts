/**
 * What may happen in one step of a simulation: deeds of clients and of the world outside, and faults.
 *
 * Callers: simulate.ts, tests with lists of their own. Invariant: an action draws from the chance of its own
 * step alone, so that leaving one kind out leaves what the others draw as it is.
 */
import type { JsonObject } from '../../src/json.js';
import { jobInput } from '../machines/job-fixture.js';
import type { Chance } from './chance.js';
import type { Call } from './clients.js';
import type { Run } from './outside.js';
import { sessionDeeds } from './session-deeds.js';
import type { World } from './world.js';
import { workDeeds } from './work-deeds.js';
import { recoveries } from './worker-kind.js';

export interface Action {
  readonly name: string;
  readonly weight: number;
  /** Returns what it did, in a few words; undefined when there was nothing to do. */
  readonly run: (world: World, chance: Chance) => Promise<string | undefined> | string | undefined;
}

type Event = JsonObject & { readonly type: string };

/** The newest actors that clients still mind. */
const MINDED_MAX = 24;

/** What a kind may be sent, by weight. */
const events: Readonly<
  Record<string, readonly (readonly [weight: number, make: (chance: Chance) => Event])[]>
> = {
  worker: [
    [4, () => ({ type: 'take' })],
    [8, (chance) => ({ type: 'work', how: chance.oneOf(recoveries) ?? 'rerun' })],
    [3, () => ({ type: 'wind' })],
    [1, () => ({ type: 'listen' })],
    [1, () => ({ type: 'watch' })],
    [1, () => ({ type: 'hush' })],
    [2, () => ({ type: 'poke' })],
    [4, () => ({ type: 'tell' })],
    [1, (chance) => ({ type: 'found', id: `f${chance.below(1_000_000)}` })],
    [1, () => ({ type: 'write' })],
    [2, (chance) => ({ type: 'claim', slot: `slot${chance.below(4)}` })],
    [1, (chance) => ({ type: 'refer', file: `file${chance.below(3)}.png` })],
    [0.7, (chance) => ({ type: 'poison', how: chance.oneOf(['guard', 'assign']) ?? '' })],
    [2, () => ({ type: 'later' })],
    [1, () => ({ type: 'never' })],
    [2, () => ({ type: 'post' })],
    [1, () => ({ type: 'drop' })],
    [0.7, () => ({ type: 'end' })],
  ],
  family: [
    [2, () => ({ type: 'take' })],
    [5, () => ({ type: 'raise' })],
    [3, () => ({ type: 'adopt' })],
    [1, () => ({ type: 'disown' })],
    [2, () => ({ type: 'foster' })],
    [1, () => ({ type: 'weaken' })],
    [3, () => ({ type: 'call' })],
    [1, () => ({ type: 'spoil' })],
    [2, () => ({ type: 'leave' })],
    [3, () => ({ type: 'tick' })],
    [0.4, () => ({ type: 'end' })],
  ],
  scribe: [
    [6, () => ({ type: 'take' })],
    [2, () => ({ type: 'work' })],
    [0.3, () => ({ type: 'poison' })],
    [0.1, () => ({ type: 'end' })],
  ],
  growing: [
    [4, () => ({ type: 'take' })],
    [4, () => ({ type: 'work' })],
    [0.3, () => ({ type: 'poison' })],
    [0.3, () => ({ type: 'end' })],
  ],
  job: [
    [1, () => ({ type: 'job.cancel' })],
    [1, () => ({ type: 'job.retry' })],
    [2, () => ({ type: 'provider.hint' })],
    [1, () => ({ type: 'job.resubmit' })],
  ],
};

const kindWeights = [
  { kind: 'worker', weight: 6 },
  { kind: 'family', weight: 3 },
  { kind: 'scribe', weight: 1 },
  { kind: 'growing', weight: 2 },
  { kind: 'stranger', weight: 1 },
  { kind: 'job', weight: 3 },
];

function inputOf(world: World, kind: string, id: string): JsonObject {
  if (kind === 'worker')
    return { peer: world.known.findLast((each) => each.startsWith('worker/')) ?? 'worker/none' };
  if (kind !== 'job') return {};
  const delivery = { channel: 'chat', target: `chat${id.length % 2}` };
  const timing = { timeoutMs: 600_000, submitByMs: 600_000, graceMs: 60_000, retentionMs: 60_000 };
  return {
    ...(jobInput({
      ...{ jobId: id, deliveryId: `dlv-${id}`, delivery, ...timing },
      sessionKey: Number(id.slice(1)) % 2 === 0 ? 'a' : 'b',
    }) as unknown as JsonObject),
  };
}

/** An actor that a client minds. */
function minded(world: World, chance: Chance): string | undefined {
  return chance.oneOf(world.known.slice(-MINDED_MAX));
}

function send(world: World, chance: Chance, at?: number): string | undefined {
  const address = minded(world, chance);
  const kind = address?.slice(0, address.indexOf('/')) ?? '';
  const list = (events[kind === 'stranger' ? 'growing' : kind] ?? []).map(([weight, make]) => ({
    weight,
    make,
  }));
  const event = chance.weighted(list)?.make(chance);
  if (address === undefined || event === undefined) return undefined;
  const what = at === undefined ? { type: 'send' as const, event } : { type: 'send' as const, event, at };
  const id = chance.happens(0.8) ? world.newName('e') : undefined;
  world.clients.call(world.process, address, what, id);
  return `${event.type} to ${address} as ${id ?? 'nothing'}`;
}

function create(world: World, chance: Chance): string | undefined {
  const kind = chance.weighted(kindWeights)?.kind ?? 'worker';
  const id = world.newName(kind.slice(0, 1));
  const address = `${kind}/${id}`;
  world.known.push(address);
  const payloads = chance.happens(0.3) ? { payloads: { request: { n: 1 } } } : {};
  world.clients.call(world.process, address, {
    type: 'create',
    input: inputOf(world, kind, id),
    ...payloads,
  });
  return address;
}

async function createMany(world: World, chance: Chance): Promise<string> {
  const ids = Array.from({ length: 2 + chance.below(4) }, () => world.newName('m'));
  const { process } = world;
  const asked = ids.map((id) => ({ id, input: { peer: 'worker/none' } }));
  process.kernel.createMany('worker', asked).then(
    (outcomes) => {
      if (process !== world.process || process.state === 'dead') return;
      for (const [index, { accepted }] of outcomes.entries()) {
        const address = `worker/${ids[index]}`;
        const isThere = !accepted || world.oracle.record(address) !== undefined;
        world.verdict.holds('K1', isThere, () => `${address} of many is answered, and is not on disk`);
      }
    },
    () => undefined,
  );
  world.known.push(...ids.map((id) => `worker/${id}`));
  return ids.join(' ');
}

function repeat(world: World, chance: Chance): string | undefined {
  const isRepeatable = ({ id, state }: Call): boolean => id !== undefined && state === 'accepted';
  const call = chance.oneOf(world.clients.calls.filter(isRepeatable).slice(-40));
  if (call === undefined) return undefined;
  world.clients.call(world.process, call.address, call.what, call.id);
  return `${call.id} to ${call.address}`;
}

function retry(world: World): string | undefined {
  const unknown = world.clients.unknown();
  for (const call of unknown) world.clients.repeat(world.process, call);
  return unknown.length === 0 ? undefined : `${unknown.length} calls`;
}

function answer(world: World, chance: Chance, isMeant: (run: Run) => boolean): string | undefined {
  const run = chance.oneOf(world.oracle.outside.runs(isMeant));
  if (run === undefined) return undefined;
  const was = run.state;
  const goesOn = run.type === 'callback' || (run.type === 'observable' && chance.happens(0.8));
  if (goesOn) world.oracle.outside.stream(run, 'hear');
  else world.answer(run, chance);
  return `${run.effectKey} (${run.src}, ${was})`;
}

function operate(world: World, chance: Chance): string | undefined {
  const still = [...world.oracle.shadow.rows.keys()].filter((key) => key.startsWith('q\0quarantine\0'));
  const address = chance.oneOf(still)?.split('\0').at(-1);
  if (address === undefined) return undefined;
  const operation = chance.oneOf(['resume', 'skip', 'skip', 'dismiss'] as const) ?? 'skip';
  world.clients.call(world.process, address, { type: 'operate', operation });
  return `${operation} ${address}`;
}

function wait(world: World, chance: Chance): string | undefined {
  const address = minded(world, chance);
  if (address === undefined || !/^(worker|family|growing)/.test(address)) return undefined;
  const target = chance.below(12);
  world.wait(address, target);
  return `until ${address} counts ${target}`;
}

function fresh({ state }: Run): boolean {
  return state === 'running';
}

function stale({ state }: Run): boolean {
  return state !== 'running';
}

/** What clients and the world outside do. */
export const deeds: readonly Action[] = [
  { name: 'create', weight: 6, run: create },
  { name: 'createMany', weight: 0.5, run: createMany },
  { name: 'send', weight: 40, run: (world, chance) => send(world, chance) },
  {
    name: 'schedule',
    weight: 3,
    run: (world, chance) => send(world, chance, world.time.now() + chance.below(5_000)),
  },
  { name: 'repeat', weight: 5, run: repeat },
  { name: 'retry', weight: 6, run: (world) => retry(world) },
  { name: 'answer', weight: 22, run: (world, chance) => answer(world, chance, fresh) },
  { name: 'answerLate', weight: 4, run: (world, chance) => answer(world, chance, stale) },
  { name: 'operate', weight: 3, run: operate },
  { name: 'wait', weight: 3, run: wait },
  {
    name: 'advance',
    weight: 12,
    run: async (world, chance) => {
      const ms = chance.below(chance.happens(0.1) ? 100_000 : 1_000);
      await world.time.advance(ms);
      return `${ms} ms`;
    },
  },
  { name: 'settle', weight: 8, run: async (world) => (await world.settle(), '') },
  ...sessionDeeds,
  ...workDeeds,
];
