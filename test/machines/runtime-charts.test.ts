import { describe, expect, it } from 'vitest';
import {
  accountHolds,
  parkedEventMachine,
  providerAccountMachine,
  supervisorMachine,
} from '../../src/machines/index.js';
import { START_AT, drive } from './drive.js';
import { REF } from './job-fixture.js';

const newAccount = () => drive(providerAccountMachine, { provider: 'kling', alias: 'main' });
const newSupervisor = () => drive(supervisorMachine, { closeTimeoutMs: 10_000 });

describe('a provider account', () => {
  const trouble = (reason: string) => ({ type: 'account.trouble', class: reason, message: 'no credit' });

  it.each(['auth', 'billing'])(
    'is paused by %s trouble, loudly and once, until it is resumed by hand',
    (reason) => {
      const account = newAccount();
      account.send(trouble(reason), { afterMs: 5 });
      expect(account.now().snapshot.value).toEqual({ paused: reason });
      expect(account.now().snapshot.context).toMatchObject({ since: START_AT + 5, message: 'no credit' });
      expect(account.now().asked).toMatchObject([
        { type: 'xstate.emit', params: { event: { type: 'account.paused', reason } } },
      ]);
      for (const type of ['account.trouble', 'account.ok', 'account.limited']) {
        account.send({ ...trouble('auth'), type, untilMs: 0 });
        expect([account.now().snapshot.value, account.now().asked]).toEqual([{ paused: reason }, []]);
      }
      account.send({ type: 'account.resume' });
      expect(accountHolds(account.now().snapshot)).toBeUndefined();
      expect(account.now().snapshot.context.message).toBeUndefined();
    },
  );

  it('without credit holds back its submits alone, until polls are refused as well', () => {
    const account = newAccount();
    const holds = () => accountHolds(account.now().snapshot);
    account.send({ ...trouble('billing'), holds: 'submits' });
    expect([account.now().snapshot.value, holds()]).toEqual([{ paused: 'billing' }, 'submits']);
    account.send({ ...trouble('billing'), holds: 'submits' });
    expect(account.now().asked).toEqual([]);
    account.send({ ...trouble('auth'), holds: 'calls' });
    expect([account.now().snapshot.value, holds()]).toEqual([{ paused: 'auth' }, 'calls']);
    expect(account.now().asked).toMatchObject([{ params: { event: { reason: 'auth' } } }]);
    account.send({ ...trouble('billing'), holds: 'submits' });
    expect(holds()).toBe('calls');
    account.send({ type: 'account.resume' });
    expect(holds()).toBeUndefined();
  });

  it('that was paused by the first version of its chart holds back every call, as it did', () => {
    const context = { provider: 'kling', alias: 'main', since: START_AT };
    expect(accountHolds({ value: { paused: 'billing' }, context })).toBe('calls');
  });

  it('is limited until the provider’s time, at most 15 minutes ahead, and opens by itself', () => {
    const account = newAccount();
    account.send({ type: 'account.limited', untilMs: START_AT + 5_000 });
    expect([account.now().snapshot.value, account.timers()]).toEqual(['limited', { limited: 5_000 }]);
    account.send({ type: 'account.limited', untilMs: START_AT + 1e12 });
    expect(account.timers()).toEqual({ limited: 900_000 });
    account.fire('limited');
    expect(accountHolds(account.now().snapshot)).toBeUndefined();
  });

  it('never shortens a limit because of an older answer', () => {
    const account = newAccount();
    account.send({ type: 'account.limited', untilMs: START_AT + 5_000 });
    account.send({ type: 'account.limited', untilMs: START_AT + 1_000 });
    expect(account.timers()).toEqual({ limited: 5_000 });
  });

  it.each(['account.ok', 'account.resume'])('opens early on %s', (type) => {
    const account = newAccount();
    account.send({ type: 'account.limited', untilMs: START_AT + 5_000 });
    account.send({ type });
    expect([account.now().snapshot.value, account.timers()]).toEqual(['open', {}]);
  });
});

describe('the supervisor', () => {
  const open = () => {
    const supervisor = newSupervisor();
    supervisor.send({ type: 'runtime.opened' });
    supervisor.send({ type: 'runtime.recovered' });
    return supervisor;
  };

  it('opens, recovers, runs, drains and closes', () => {
    const supervisor = open();
    expect(supervisor.now().snapshot.value).toBe('running');
    supervisor.send({ type: 'runtime.close' });
    expect([supervisor.now().snapshot.value, supervisor.timers()]).toEqual([
      'draining',
      { closeTimeout: 10_000 },
    ]);
    supervisor.send({ type: 'runtime.drained' });
    expect(supervisor.now().snapshot).toMatchObject({ value: 'closed', status: 'done' });
  });

  it('cuts off what does not drain in time', () => {
    const supervisor = open();
    supervisor.send({ type: 'runtime.close' });
    expect(supervisor.fire('closeTimeout').snapshot.value).toBe('closed');
  });

  it('fails for good from any state it can fail in', () => {
    const event = { type: 'runtime.failed', code: 'STORE_FAILED', message: 'disk full' };
    for (const path of [[], ['runtime.opened'], ['runtime.opened', 'runtime.recovered'], ['runtime.close']]) {
      const supervisor = newSupervisor();
      for (const type of path) supervisor.send({ type });
      supervisor.send(event);
      expect(supervisor.now().snapshot).toMatchObject({
        value: 'failed',
        context: { reason: { code: 'STORE_FAILED' } },
      });
    }
  });

  it('bears five failures of its parts a minute and gives up at the sixth', () => {
    const failure = { type: 'part.failed', part: 'timers', message: 'boom' };
    const patient = open();
    for (let n = 0; n < 30; n += 1) patient.send(failure, { afterMs: 12_000 });
    expect(patient.now().snapshot.value).toBe('running');
    const supervisor = open();
    for (let n = 0; n < 5; n += 1) supervisor.send(failure);
    expect(supervisor.now().snapshot.value).toBe('running');
    supervisor.send(failure);
    expect(supervisor.now().snapshot).toMatchObject({
      value: 'failed',
      context: { reason: { code: 'restart-budget' } },
    });
  });
});

describe('news of a task without a job', () => {
  const parked = (news: object = {}) =>
    drive(parkedEventMachine, { provider: 'openai', credential: 'main', ref: REF, ...news });
  const found = { type: 'job.found', job: 'job/job_1' };

  it.each([
    [{ outcome: { type: 'done' } }, { type: 'provider.evidence', outcome: { type: 'done' } }],
    [{}, { type: 'provider.hint' }],
  ])('that says %j is told as %j to the job that has the task, and is over', (news, event) => {
    const waiting = parked(news);
    expect([waiting.now().snapshot.value, waiting.timers()]).toEqual(['waiting', { patience: 600_000 }]);
    waiting.send(found, { afterMs: 5 });
    expect(waiting.now().snapshot).toMatchObject({
      value: 'matched',
      status: 'done',
      context: { since: START_AT, job: 'job/job_1' },
    });
    expect(waiting.written()).toEqual([{ type: 'actor.send', params: { to: 'job/job_1', event } }]);
    expect(waiting.timers()).toEqual({});
  });

  it('is given up after ten minutes, and tells nobody', () => {
    const waiting = parked({ outcome: { type: 'done' } });
    expect(waiting.fire('patience').snapshot).toMatchObject({ value: 'expired', status: 'done' });
    waiting.send(found);
    expect(waiting.written()).toEqual([]);
  });
});
