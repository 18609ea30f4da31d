/** Mutants of the paid work, its messages and what is not in flight (promises 3, 5, 6, 7). */
import type { Mutant } from './mutant.js';

const reconcile = 'src/actors/job-reconcile.ts';
const submits = 'test/machines/job-submit.test.ts';
const doubts = 'test/runtime/hunt-doubt.test.ts';
const deliver = 'test/runtime/deliver.test.ts';
const exhausted = 'an exhausted delivery is listed, and sent by hand under the same id';

export const workMutants: readonly Mutant[] = [
  {
    name: 'submits again after a crash',
    breaks: ['P3', 'K7'],
    file: 'src/actors/job-pools.ts',
    find: `recovery: 'manual',`,
    replace: `recovery: 'rerun',`,
    caughtBy: 'test/crash-points/job.test.ts',
    by: 'a job and its message: crashed anywhere, every transition ends well and is paid for once',
  },
  {
    name: 'submits again after a lost answer',
    breaks: ['P3'],
    file: 'src/machines/job.ts',
    find: `{ guard: 'ambiguous', target: 'doubting', actions: 'noteDoubt' },`,
    replace: `{ guard: 'ambiguous', target: 'resting', actions: 'noteDoubt' },`,
    caughtBy: submits,
    by: 'is posted again only after two complete looks, both begun when the doubt was old enough',
  },
  {
    name: 'asks another provider after a reply that was paid for and lost',
    breaks: ['P3'],
    file: 'src/machines/job-chain.ts',
    find: "return output.type === 'rejected' || output.type === 'blocked' ? output : undefined;",
    replace: "return output.type === 'accepted' || output.type === 'withdrawn' ? undefined : output;",
    caughtBy: 'test/machines/job-chain.test.ts',
    by: 'stays where it is after …',
  },
  {
    name: 'takes a POST that may have arrived for one that was not sent',
    breaks: ['P3'],
    file: 'src/providers/transport.ts',
    find: 'type: isSubmit && submit?.connected !== true ?',
    replace: 'type: isSubmit ?',
    caughtBy: 'test/providers/transport.test.ts',
    by: 'whose answer does not come in time is ambiguous',
  },
  {
    name: 'believes one look that found nothing',
    breaks: ['P3'],
    file: 'src/machines/job-rules.ts',
    find: 'return countsAsAbsent(context) && context.absents + 1 >= jobRules.absentsNeeded;',
    replace: 'return countsAsAbsent(context);',
    caughtBy: submits,
    by: 'is posted again only after two complete looks, both begun when the doubt was old enough',
  },
  {
    name: 'believes a look that was not finished',
    breaks: ['P3'],
    file: reconcile,
    find: `      cursor = page.next;
    }
    return { type: 'wait' };`,
    replace: `      cursor = page.next;
    }
    return { type: 'absent' };`,
    caughtBy: doubts,
    by: 'a look that could not read the whole listing proves nothing, and nothing is POSTed again',
  },
  {
    name: 'pays again without its operator',
    breaks: ['P3'],
    file: 'src/machines/job-setup.ts',
    find: 'mayPostAgain: ({ context, event }) => rules.mayPostAgain(context, event),',
    replace: 'mayPostAgain: ({ context, event }) => rules.provenAbsent(context, event),',
    caughtBy: submits,
    by: 'waits for an operator when POSTs in doubt keep vanishing',
  },
  {
    name: 'never finds a lost task by its key',
    breaks: ['P3'],
    file: reconcile,
    find: `return reconcile.by === 'key' ? this.#byKey(look, reconcile) :`,
    replace: `return reconcile.by === 'key' ? { type: 'absent' } :`,
    caughtBy: 'test/runtime/submit.test.ts',
    by: 'a lost answer to a billed submit is found by list and by key, and never paid again',
    hangs: true,
  },
  {
    name: 'posts what nobody wants any more',
    breaks: ['P3'],
    file: 'src/actors/job-effects.ts',
    find: `    if (await this.#isUnwanted(address)) return { type: 'withdrawn' };\n`,
    replace: '',
    caughtBy: 'test/runtime/lanes.test.ts',
    by: 'a job cancelled behind a paused account is cancelled at once, and is not said to be paid',
  },
  {
    name: 'sends a message under a new id each time',
    breaks: ['P5'],
    file: 'src/actors/deliveries.ts',
    find: 'const context = { deliveryId: message.deliveryId, attempt, signal };',
    replace: 'const context = { deliveryId: `${message.deliveryId}.${attempt}`, attempt, signal };',
    caughtBy: deliver,
    by: exhausted,
  },
  {
    name: 'lists no dead letter',
    breaks: ['P5'],
    file: 'src/actors/delivery-index.ts',
    find: 'if (!holdsLane(snapshot)) return [status];',
    replace: 'if (!holdsLane(snapshot)) return [];',
    caughtBy: deliver,
    by: exhausted,
  },
  {
    name: 'takes a message that a crash interrupted for sent',
    breaks: ['P5'],
    file: 'src/machines/delivery.ts',
    find: `'effect.interrupted': { target: 'reconciling',`,
    replace: `'effect.interrupted': { target: 'delivered',`,
    caughtBy: 'test/machines/delivery.test.ts',
    by: 'asks the channel, and is delivered when the message went out',
  },
  {
    name: 'removes a job whose message is a dead letter',
    breaks: ['P5'],
    file: 'src/machines/owed-deliveries.ts',
    find: `return deliveries.every(({ status }) => status === 'delivered' || status === 'dismissed');`,
    replace: `return deliveries.every(({ status }) => status !== 'queued');`,
    caughtBy: 'test/machines/job.test.ts',
    by: 'keeps a job whose message is a dead letter until that is let go',
  },
  {
    name: 'sends two messages of one lane at a time',
    breaks: ['P5'],
    file: 'src/machines/delivery.ts',
    find: `new Set(['queued', 'sending', 'reconciling', 'waiting'])`,
    replace: `new Set(['queued', 'sending', 'reconciling'])`,
    caughtBy: 'test/machines/delivery.test.ts',
    by: 'is held until the delivery has ended or is a dead letter',
  },
  {
    name: 'holds up a lane behind a message that stands still',
    breaks: ['P6'],
    file: 'src/actors/delivery-lanes.ts',
    find: 'if (await this.#standsStill(address)) continue;',
    replace: 'if (await this.#standsStill(address)) return;',
    caughtBy: 'test/runtime/lanes.test.ts',
    by: 'a quarantined delivery holds up no other message to its target',
    hangs: true,
  },
  {
    name: 'reads every finished job when it opens',
    breaks: ['P7'],
    file: 'src/actors/jobs.ts',
    find: 'await this.#wakeAll();',
    replace: `await this.#forEach('cancelled', (address) => this.#hurryIfUnwanted(address));
    await this.#wakeAll();`,
    caughtBy: 'test/runtime/dormant.test.ts',
    by: 'opening reads no dormant job, and no more of three thousand than of a hundred',
  },
];
