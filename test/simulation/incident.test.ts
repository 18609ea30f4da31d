/** A world of one's own: a machine with a defect beside the sound one, and a check that tells them apart. */
import { expect, test } from 'vitest';
import { jobMachine } from '../../src/machines/index.js';
import { keys, openMemoryStore } from '../../src/store/index.js';
import { deeds } from './actions.js';
import { defineDeliveries, jobAnswers, jobKind } from './job-kinds.js';
import type { Kinds } from './kinds.js';
import { simulate, type Simulation } from './simulate.js';
import type { Violation } from './verdict.js';
import type { World } from './world.js';

/** A doubt that is over after one look, whatever was seen. */
const careless = jobMachine.provide({ guards: { mayPostAgain: () => true } });

function jobsOf(machine: typeof jobMachine): Kinds {
  return {
    definitions: (hands) => [jobKind(hands, machine)],
    facades: (process) => [defineDeliveries(process.kernel, process.hands, process.logger())],
    answers: {
      ...jobAnswers,
      // The provider has taken the first, and its list is slow to say so.
      submit: () => ({ type: 'resolve', value: { type: 'ambiguous', error: doubt } }),
      reconcile: () => ({ type: 'resolve', value: { type: 'absent' } }),
    },
  };
}

const doubt = { class: 'server', code: 'lost', message: 'no answer', retryable: true };

/** A job posts again at once after a doubt: whoever takes both is paid twice. */
function paidTwice({ oracle }: World): Violation | undefined {
  const posts = new Map<string, number>();
  for (const { src, effectKey } of oracle.outside.runs(() => true)) {
    const job = effectKey.slice(0, effectKey.lastIndexOf('/'));
    if (src === 'submit') posts.set(job, (posts.get(job) ?? 0) + 1);
  }
  const twice = [...posts].find(([, count]) => count > 1)?.[0];
  return twice === undefined ? undefined : { rule: 'paid once', what: `${twice} has posted twice` };
}

function lived(machine: typeof jobMachine): Promise<Simulation> {
  const names = new Set(['create', 'answer', 'settle']);
  const actions = deeds.filter(({ name }) => names.has(name));
  const kinds = jobsOf(machine);
  return simulate({ seed: 11, steps: 150, kinds, actions, check: paidTwice, rests: false });
}

test('a defect of a machine is found by a check of the caller’s, which the sound one passes', async () => {
  const [broken, sound] = [await lived(careless), await lived(jobMachine)];
  expect(sound.violation).toBe(undefined);
  expect(broken.violation?.rule).toBe('paid once');
  const address = broken.violation?.what.split(' ')[0] ?? '';
  // Its store can be opened and looked at, as after any incident.
  const store = await openMemoryStore({ disk: broken.world.disk, purpose: 'look' });
  const record = broken.world.oracle.shadow.rows.get(keys.record(address));
  expect(record).toContain('"machine":"job"');
  expect(await store.get(keys.record(address))).toBe(record);
  await store.close();
});
