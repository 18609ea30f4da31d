/** Mutants of session queues: the selection rule, claims and their ends, what a death leaves. */
import type { Mutant } from './mutant.js';

const rule = 'src/machines/select-batches.ts';
const claims = 'src/machines/session-claims.ts';
const settling = 'src/machines/session-settling.ts';
const table = 'test/machines/select-batches.test.ts';
const chart = 'test/machines/session.test.ts';
const model = 'test/sessions/model.test.ts';
const modelled = 'a session does what its model does, through everything …';

export const sessionMutants: readonly Mutant[] = [
  {
    name: 'lets others join an exclusive batch',
    breaks: ['Q1'],
    file: rule,
    find: "if (batch.slot === 'X' || wanted === 'command')",
    replace: "if (wanted === 'command')",
    caughtBy: table,
    by: 'takes what joins the head, in a row: …',
  },
  {
    name: 'passes over a head that waits for the commit',
    breaks: ['Q1'],
    file: rule,
    find: "      return refused('deliveryBoundaryBlocked');",
    replace: '      continue;',
    caughtBy: table,
    by: 'as in the spec: …',
  },
  {
    name: 'takes an interrupted claim as if it had never been one',
    breaks: ['Q1', 'Q2'],
    file: rule,
    find: '    if (batch.heldBy !== undefined) return selected(selecting.membersOf(batch.heldBy));\n',
    replace: '',
    caughtBy: table,
    by: 'takes an interrupted claim as it was: …',
  },
  {
    name: 'hands out a fencing token twice',
    breaks: ['Q2'],
    file: claims,
    find: 'counter: (head.counter ?? 0) + 1, claim: claimId',
    replace: 'counter: head.counter ?? 1, claim: claimId',
    caughtBy: model,
    by: modelled,
  },
  {
    name: 'believes whoever names a claim',
    breaks: ['Q2'],
    file: claims,
    find: 'const isProven = claim?.leaseToken === proof.leaseToken;',
    replace: 'const isProven = claim !== undefined;',
    caughtBy: chart,
    by: 'and claims by hand do not end with a proof that is wrong',
  },
  {
    name: 'gives up what was retried with the claim that had lost it',
    breaks: ['Q3'],
    file: claims,
    find: 'return seqs.filter((seq) => found(context.pages, seq)?.claim === id);',
    replace: 'return seqs;',
    caughtBy: chart,
    by: 'that were retried stay so when the claim that lost them is taken over',
  },
  {
    name: 'frees what owners of this very process hold',
    breaks: ['Q2'],
    file: claims,
    find: 'return epoch < event.epoch;',
    replace: 'return epoch <= event.epoch;',
    caughtBy: chart,
    by: 'ends with its process: the next generation finds the work as it was claimed',
  },
  {
    name: 'leaves what nobody holds when a session goes on that stood still',
    breaks: ['Q2'],
    file: 'src/actors/sessions.ts',
    find: 'if (lost.length === 0) return;',
    replace: 'if (lost.length >= 0) return;',
    caughtBy: 'test/runtime/session-resumed.test.ts',
    by: 'goes on without the turn of a process that died meanwhile',
  },
  {
    name: 'leaves what a dead process held to nobody',
    breaks: ['Q3'],
    file: 'src/actors/session/session-index.ts',
    find: 'const isHeld = turn !== undefined || ',
    replace: 'const isHeld = turn !== undefined && ',
    caughtBy: model,
    by: modelled,
  },
  {
    name: 'settles a part of a turn',
    breaks: ['Q4'],
    file: settling,
    find: "  return isPart ? { type: 'partial', turnId: turn.turnId } : undefined;",
    replace: "  return isPart && at < 0 ? { type: 'partial', turnId: turn.turnId } : undefined;",
    caughtBy: chart,
    by: 'ends with all of its claims, and not with some of them',
  },
  {
    name: 'forgets a source key with its batch, whatever was asked',
    breaks: ['Q3'],
    file: settling,
    find: '...heads.flatMap((head) => keptKey(head, at))',
    replace: '...heads.flatMap((head) => (at < 0 ? keptKey(head, at) : []))',
    caughtBy: chart,
    by: 'keeps a wake of its process from coming again, and a source key as long as was asked',
  },
  {
    name: 'says of batches that a commit never had that they are settled',
    breaks: ['Q4'],
    file: settling,
    find: '    commitHash === event.commitHash &&\n',
    replace: '    commitHash === event.commitHash ||\n',
    caughtBy: 'test/runtime/session-keys.test.ts',
    by: 'is no receipt for batches that its commit had not: nobody may take them for settled',
  },
  {
    name: 'lets go of the images that a history names',
    breaks: ['Q3'],
    file: 'src/actors/session/settle.ts',
    find: 'named.filter((name) => lease.has(name))',
    replace: 'named.filter((name) => !lease.has(name))',
    caughtBy: 'test/runtime/session-images.test.ts',
    by: 'outlives the turn that was shown it, and its process, whoever lets go of it',
  },
];
