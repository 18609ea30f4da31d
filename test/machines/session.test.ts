import { describe, expect, test } from 'vitest';
import { batchIdOf } from '../../src/machines/index.js';
import type { SessionEvent } from '../../src/machines/index.js';
import { START_AT } from './drive.js';
import { session, type Driven, type State } from './session-drive.js';
import { asked, draft, enqueue, message, MINUTE_MS } from './session-fixture.js';

const begin = (claimId: string, turnId: string): SessionEvent => ({
  type: 'turn.begin',
  turnId,
  claim: asked(claimId, { epoch: 1 }),
});

const checkpoint = (claimId: string, turnId: string): SessionEvent => ({
  type: 'turn.checkpoint',
  turnId,
  claim: asked(claimId, { epoch: 1, boundary: 'activeTurnCheckpoint' }),
});

/** A turn that runs on one input. */
function running(input?: { readonly attemptsMax?: number }): Driven {
  const driven = session(input);
  driven.send(enqueue('a'));
  driven.send(begin('c1', 't1'));
  return driven;
}

describe('a session at rest', () => {
  test('is empty, waits for the first of what is for later, is ready once that is due', () => {
    const driven = session();
    expect(driven.turn()).toEqual({ idle: 'empty' });
    driven.send(enqueue('b', { availableAt: START_AT + 9_000 }));
    expect(driven.turn()).toEqual({ idle: 'waiting' });
    expect(driven.timers()).toEqual({ nextReady: 9_000 });
    driven.send(enqueue('a', { availableAt: START_AT + 4_000 }));
    expect(driven.timers()).toEqual({ nextReady: 4_000 });
    driven.fire('nextReady');
    expect(driven.turn()).toEqual({ idle: 'ready' });
    driven.send({ type: 'batch.cancel', batchId: 'bat_2_a' });
    expect(driven.turn()).toEqual({ idle: 'waiting' });
    driven.send({ type: 'batch.cancel', batchId: 'bat_1_b' });
    expect([driven.turn(), driven.timers()]).toEqual([{ idle: 'empty' }, {}]);
  });

  test('waits for the end of a lease, and for nothing where the owner is in this process', () => {
    const driven = session();
    driven.send(enqueue('a'));
    driven.send({ type: 'claim.take', claim: asked('c1') });
    expect([driven.turn(), driven.timers()]).toEqual([{ idle: 'waiting' }, { nextReady: MINUTE_MS }]);
    driven.fire('nextReady');
    expect([driven.turn(), driven.states()]).toEqual([{ idle: 'ready' }, { a: 'interrupted' }]);
    driven.send({ type: 'claim.take', claim: asked('c2', { epoch: 1 }) });
    expect([driven.turn(), driven.timers()]).toEqual([{ idle: 'empty' }, {}]);
  });

  test('begins a turn on a command alone, on an exclusive head, on what joins', () => {
    const driven = session();
    driven.send(enqueue('c', { kind: 'command' }));
    driven.send(enqueue('x'));
    for (const nonce of ['j', 'k']) driven.send(enqueue(nonce, { slot: 'J', merge: 'P' }));
    const held: State[] = [];
    for (const [index, turnId] of ['t1', 't2', 't3'].entries()) {
      driven.send(begin(`c${index}`, turnId));
      held.push(driven.turn(), driven.context().claims[`c${index}`]?.seqs.join(' ') ?? '');
      driven.send({ type: 'claims.complete', claims: driven.prove(`c${index}`), turnId });
    }
    expect(held).toEqual([
      ...[{ running: 'commanding' }, '1'],
      ...[{ running: 'working' }, '2'],
      ...[{ running: 'working' }, '3 4'],
    ]);
    driven.send(begin('c9', 't9'));
    expect(driven.turn()).toEqual({ idle: 'empty' });
  });
});

describe('a running turn', () => {
  test('takes at its checkpoints what need not wait for its commit, and nothing behind what must', () => {
    const driven = running();
    driven.send(enqueue('e', { deliver: 'E' }));
    driven.send(enqueue('f', { deliver: 'A' }));
    driven.send(enqueue('g', { deliver: 'E', slot: 'J', merge: 'P' }));
    driven.send(checkpoint('c2', 't1'));
    driven.send(checkpoint('c3', 't1'));
    expect(driven.states()).toEqual({ a: 'claimed', e: 'claimed', f: 'ready', g: 'ready' });
    expect(driven.context().turn?.claims).toEqual(['c1', 'c2']);
    driven.send({ type: 'batch.cancel', batchId: 'bat_3_f' });
    driven.send(checkpoint('c4', 't1'));
    expect(driven.context().turn?.claims).toEqual(['c1', 'c2', 'c4']);
  });

  test('ends with all of its claims, and not with some of them', () => {
    const driven = running();
    driven.send(enqueue('e', { deliver: 'E' }));
    driven.send(checkpoint('c2', 't1'));
    expect(driven.send({ type: 'claims.complete', claims: driven.prove('c1'), turnId: 't1' })).toEqual([]);
    expect(driven.turn()).toEqual({ running: 'working' });
    driven.send({ type: 'claims.complete', claims: driven.prove('c1', 'c2'), turnId: 't1' });
    expect([driven.turn(), driven.context().turn]).toEqual([{ idle: 'empty' }, undefined]);
  });

  test('of which a part was given back ends with the rest', () => {
    const driven = running();
    driven.send(enqueue('e', { deliver: 'E' }));
    driven.send(checkpoint('c2', 't1'));
    driven.send({ type: 'claims.abandon', claims: driven.prove('c2'), reason: 'not now' });
    expect(driven.turn()).toEqual({ running: 'working' });
    driven.send({ type: 'claims.complete', claims: driven.prove('c1'), turnId: 't1' });
    expect([driven.turn(), driven.states()]).toEqual([{ idle: 'ready' }, { e: 'ready' }]);
  });

  test('that fails rests before anything else is claimed, unless somebody resumes it', () => {
    const driven = running();
    driven.send({ type: 'claims.abandon', claims: driven.prove('c1'), reason: 'no', retryInMs: 5_000 });
    expect([driven.turn(), driven.timers()]).toEqual(['pausing', { rest: 5_000 }]);
    driven.send({ type: 'claim.take', claim: asked('c2') });
    expect(driven.states()).toEqual({ a: 'ready' });
    driven.fire('rest');
    expect([driven.turn(), driven.context().pausedUntil]).toEqual([{ idle: 'ready' }, undefined]);
    driven.send(begin('c3', 't2'));
    driven.send({ type: 'claims.abandon', claims: driven.prove('c3'), reason: 'no', retryInMs: 5_000 });
    driven.send({ type: 'session.resume' });
    expect([driven.turn(), driven.timers()]).toEqual([{ idle: 'ready' }, {}]);
  });

  test('given back without a rest is ready at once', () => {
    const driven = running();
    driven.send({ type: 'claims.abandon', claims: driven.prove('c1'), reason: 'no' });
    expect([driven.turn(), driven.states()]).toEqual([{ idle: 'ready' }, { a: 'ready' }]);
  });

  test('goes on when others give something back, and rests for nobody else', () => {
    const driven = running();
    driven.send(enqueue('b'));
    driven.send({ type: 'claim.take', claim: asked('raw') });
    driven.send({ type: 'claims.abandon', claims: driven.prove('raw'), reason: 'no', retryInMs: 5_000 });
    expect([driven.turn(), driven.states()]).toEqual([{ running: 'working' }, { a: 'claimed', b: 'ready' }]);
  });

  test('and claims by hand do not end with a proof that is wrong', () => {
    const driven = running();
    const [right] = driven.prove('c1');
    const claims = [{ claimId: 'c1', batchIds: right?.batchIds ?? [], leaseToken: 'a guess' }];
    const before = driven.context();
    driven.send({ type: 'claims.complete', claims, turnId: 't1' });
    driven.send({ type: 'claims.abandon', claims, reason: 'no', retryInMs: 1 });
    driven.send({ type: 'claim.renew', claim: claims[0] ?? { claimId: '', leaseToken: '', batchIds: [] } });
    expect([driven.turn(), driven.context()]).toEqual([{ running: 'working' }, before]);
  });

  test('and a claim all of whose batches were cancelled settles nothing', () => {
    const driven = session();
    driven.send(enqueue('a'));
    driven.send({ type: 'claim.take', claim: asked('c1') });
    driven.send({ type: 'batch.cancel', batchId: 'bat_1_a' }, MINUTE_MS);
    const claims = driven.prove('c1');
    expect(claims).toMatchObject([{ batchIds: [] }]);
    expect(driven.send({ type: 'claims.complete', claims, turnId: 't1', history: [{ n: 1 }] })).toEqual([]);
  });

  test('ends with its process: the next generation finds the work as it was claimed', () => {
    const driven = running();
    driven.send({ type: 'generation.began', epoch: 1 });
    expect(driven.states()).toEqual({ a: 'claimed' });
    const other = running();
    other.send({ type: 'generation.began', epoch: 2 });
    expect([other.turn(), other.states()]).toEqual([{ idle: 'ready' }, { a: 'interrupted' }]);
  });
});

test('a process that leaves in good order frees what it holds, and nothing of it counts as failed', () => {
  const driven = running({ attemptsMax: 1 });
  driven.send(enqueue('b'));
  driven.send({ type: 'claim.take', claim: asked('elsewhere') });
  driven.send({ type: 'generation.ended', epoch: 1 });
  expect([driven.turn(), driven.states()]).toEqual([{ idle: 'ready' }, { a: 'interrupted', b: 'claimed' }]);
  driven.send({ type: 'claim.take', claim: asked('c2', { epoch: 2 }) });
  expect(driven.context().pages[0]?.heads[0]).toMatchObject({ nonce: 'a', attempts: 0, claim: 'c2' });
});

describe('an interruption', () => {
  function beforeInterruption(): Driven {
    const driven = session();
    driven.send({ type: 'mode.set', settings: { mode: 'interrupt' } });
    driven.send(enqueue('a'));
    driven.send(begin('c1', 't1'));
    return driven;
  }

  function interrupted(): Driven {
    const driven = beforeInterruption();
    driven.send(message('m'));
    return driven;
  }

  test('settles what the turn had, with a receipt that says so, and lets its handler end', () => {
    const driven = beforeInterruption();
    const receipt = driven.send(message('m')).find(({ type }) => type === 'payload.put');
    expect(receipt?.params).toMatchObject({ name: 't/t1', value: { outcome: 'interrupted' } });
    expect([driven.turn(), driven.states()]).toEqual(['interrupting', { m: 'ready' }]);
    driven.send(begin('c2', 't2'));
    driven.send({ type: 'turn.released', turnId: 'another' });
    expect(driven.turn()).toBe('interrupting');
    driven.send({ type: 'turn.released', turnId: 't1' });
    expect([driven.turn(), driven.context().turn]).toEqual([{ idle: 'ready' }, undefined]);
  });

  test('does not wait for ever, nor past its process', () => {
    const driven = interrupted();
    expect(driven.timers()).toEqual({ letGo: 30_000 });
    driven.fire('letGo');
    expect([driven.turn(), driven.context().turn]).toEqual([{ idle: 'ready' }, undefined]);
    const other = interrupted();
    other.send({ type: 'generation.began', epoch: 2 });
    expect(other.turn()).toEqual({ idle: 'ready' });
  });

  test('is not ended by what others give back', () => {
    const driven = interrupted();
    driven.send({ type: 'claim.take', claim: asked('raw') });
    driven.send({ type: 'claims.abandon', claims: driven.prove('raw'), reason: 'no', retryInMs: 5_000 });
    expect([driven.turn(), driven.states()]).toEqual(['interrupting', { m: 'ready' }]);
  });

  test('by a message that was said before is none', () => {
    const driven = session();
    driven.send({ type: 'mode.set', settings: { mode: 'interrupt' } });
    driven.send({ type: 'message.arrived', draft: draft('m', { key: 'host:1' }), channel: '', line: 'm' });
    driven.send(begin('c1', 't1'));
    driven.send({ type: 'message.arrived', draft: draft('n', { key: 'host:1' }), channel: '', line: 'm' });
    expect([driven.turn(), driven.states()]).toEqual([{ running: 'working' }, { m: 'claimed' }]);
  });
});

describe('queue modes', () => {
  const policiesOf = (driven: Driven) =>
    driven
      .context()
      .pages.flatMap((page) => page.heads)
      .map(({ nonce, deliver, slot, merge }) => `${nonce}:${deliver}/${slot}/${merge}`);

  test('steer joins a running turn, and follows up where none runs', () => {
    const driven = running();
    driven.send({ type: 'mode.set', settings: { mode: 'steer' } });
    driven.send(message('m'));
    driven.send({ type: 'claims.complete', claims: driven.prove('c1'), turnId: 't1' });
    driven.send(message('n'));
    expect(policiesOf(driven)).toEqual(['m:E/J/P', 'n:A/X/N']);
  });

  test('collect waits until it is quiet, for each channel on its own', () => {
    const driven = session();
    driven.send({ type: 'mode.set', settings: { mode: 'collect', debounceMs: 1_000 } });
    driven.send(message('m', 'x'));
    driven.send(message('o', 'y'), 100);
    driven.send(message('n', 'x'), 300);
    expect(policiesOf(driven)).toEqual(['m:A/J/Gcollect:x', 'o:A/J/Gcollect:y', 'n:A/J/Gcollect:x']);
    const due = driven.context().pages.flatMap((page) => page.heads.map((head) => head.availableAt));
    expect(due).toEqual([START_AT + 1_400, START_AT + 1_100, START_AT + 1_400]);
  });

  test('hold for one channel or for all others, and change for what comes later', () => {
    const driven = session();
    driven.send({ type: 'mode.set', settings: { mode: 'collect' }, channel: 'x' });
    driven.send(message('m', 'x'));
    driven.send(message('n', 'y'));
    expect(policiesOf(driven)).toEqual(['m:A/J/Gcollect:x', 'n:A/X/N']);
  });

  test('beyond the cap the oldest go, or stay as lines, or the newest is not taken', () => {
    const left = (drop: 'old' | 'new' | 'summarize') => {
      const driven = session();
      driven.send({ type: 'mode.set', settings: { cap: 2, drop } });
      const written = ['m', 'n', 'o', 'p'].map((nonce) => driven.send(message(nonce)));
      const { dropped } = driven.context().counts;
      const rest = driven.context().pages.flatMap((page) => page.heads.map(batchIdOf));
      return { dropped, rest, written: written.at(-1) };
    };
    const none = { old: 0, summarize: 0, interrupt: 0 };
    expect(left('new')).toMatchObject({ dropped: none, rest: ['bat_1_m', 'bat_2_n'], written: [] });
    expect(left('old')).toMatchObject({ dropped: { ...none, old: 2 }, rest: ['bat_3_o', 'bat_4_p'] });
    const summarised = left('summarize');
    expect(summarised).toMatchObject({ dropped: { ...none, summarize: 2 } });
    expect(summarised.rest).toEqual(['bat_1_summary-o', 'bat_3_o', 'bat_4_p']);
    expect(summarised.written?.at(-1)?.params).toMatchObject({
      value: { payloads: [{ type: 'droppedMessages', lines: ['line of m', 'line of n'], more: 0 }] },
    });
  });
});

describe('what is settled', () => {
  test('takes its rows with it in one step, and leaves history, messages, floors and a receipt', () => {
    const driven = session();
    const wakes = [{ process: 'p', sequence: 3 }];
    driven.send(enqueue('w', { kind: 'wake', wakes, key: 'k', keyRetentionMs: 9, files: ['f'] }));
    driven.send(begin('c1', 't1'));
    const history = [{ role: 'assistant', content: 'done' }];
    const delivery = { deliveryId: 'd', cause: 'c', channel: 'x', target: '1', text: 't', files: [] };
    const claims = driven.prove('c1');
    const complete = {
      type: 'claims.complete',
      claims,
      turnId: 't1',
      history,
      deliveries: [delivery],
    } as const;
    const asks = driven.send(complete);
    expect(asks.map(({ type, params }) => `${type} ${String(Reflect.get(Object(params), 'name'))}`)).toEqual([
      ...['payload.delete b/w', 'payload.delete k/k', 'file.release b/w', 'payload.put k/k'],
      ...['payload.put f/p', 'payload.put t/t1', 'history.append undefined', 'actor.create undefined'],
    ]);
    expect(driven.send(complete)).toEqual([]);
  });

  test('keeps a wake of its process from coming again, and a source key as long as was asked', () => {
    const driven = session();
    const wake = (nonce: string, sequence: number) =>
      driven.send(enqueue(nonce, { kind: 'wake', wakes: [{ process: 'p', sequence }] }));
    const keyed = (nonce: string, afterMs: number) =>
      driven.send(enqueue(nonce, { key: 'k', keyRetentionMs: 1_000 }), afterMs);
    wake('w2', 2);
    driven.send(begin('c1', 't1'));
    driven.send({ type: 'claims.complete', claims: driven.prove('c1') });
    wake('w1', 1);
    wake('w2again', 2);
    wake('w3', 3);
    expect(driven.states()).toEqual({ w3: 'ready' });
    driven.send(begin('c2', 't2'));
    driven.send({ type: 'claims.complete', claims: driven.prove('c2') });
    keyed('k1', 0);
    keyed('k2', 0);
    driven.send(begin('c3', 't3'));
    driven.send({ type: 'claims.complete', claims: driven.prove('c3') });
    keyed('k3', 999);
    expect(driven.states()).toEqual({});
    keyed('k4', 1);
    expect(driven.states()).toEqual({ k4: 'ready' });
  });
});

describe('dead letters', () => {
  test('are what was given back too often; retried, they begin anew in their old place', () => {
    const driven = session({ attemptsMax: 2 });
    for (const nonce of ['a', 'b']) driven.send(enqueue(nonce));
    for (const claimId of ['c1', 'c2']) {
      driven.send({ type: 'claim.take', claim: asked(claimId) });
      driven.send({ type: 'claims.abandon', claims: driven.prove(claimId), reason: 'no' });
    }
    expect([driven.states(), driven.context().counts.dead]).toEqual([{ a: 'dead', b: 'ready' }, 1]);
    driven.send({ type: 'batch.retry', batchId: 'bat_1_a' });
    expect([driven.states(), driven.context().counts.dead]).toEqual([{ a: 'ready', b: 'ready' }, 0]);
    driven.send({ type: 'claim.take', claim: asked('c3') });
    expect(driven.states()).toEqual({ a: 'claimed', b: 'ready' });
  });

  test('that were retried stay so when the claim that lost them is taken over', () => {
    const driven = session({ attemptsMax: 1 });
    for (const nonce of ['a', 'b']) driven.send(enqueue(nonce));
    driven.send({ type: 'claim.take', claim: asked('c1', { ttlMs: 2 * MINUTE_MS }) });
    driven.send({ type: 'claim.take', claim: asked('c2') });
    driven.send({ type: 'session.resume' }, MINUTE_MS);
    expect(driven.states()).toEqual({ a: 'claimed', b: 'dead' });
    driven.send({ type: 'batch.retry', batchId: 'bat_2_b' });
    driven.send({ type: 'claims.abandon', claims: driven.prove('c1'), reason: 'no' });
    driven.send({ type: 'batch.retry', batchId: 'bat_1_a' });
    driven.send({ type: 'claim.take', claim: asked('c3') });
    expect([driven.states(), driven.context().counts.dead]).toEqual([{ a: 'claimed', b: 'ready' }, 0]);
  });

  test('of an interrupted claim are left behind by the next claim, and counted', () => {
    const driven = session({ attemptsMax: 1 });
    for (const nonce of ['a', 'b']) driven.send(enqueue(nonce));
    driven.send({ type: 'claim.take', claim: asked('c1') });
    driven.send({ type: 'claim.take', claim: asked('c2') }, MINUTE_MS);
    expect([driven.states(), driven.context().counts.dead]).toEqual([{ a: 'dead', b: 'claimed' }, 1]);
    expect(Object.keys(driven.context().claims)).toEqual(['c2']);
  });
});
