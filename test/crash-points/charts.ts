/**
 * The charts whose every path is crashed: those of this library, the kernel's small ones, the benchmark's.
 *
 * Callers: the tests of this folder.
 */
import type { AnyStateMachine } from 'xstate';
import { errandDefinition, errandInput, errandKind, errandLife } from '../../bench/errand.js';
import { sessionDefinition } from '../../src/actors/house-machines.js';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { jobPolicies } from '../../src/actors/job-pools.js';
import type { EffectPolicy } from '../../src/actors/kernel/index.js';
import type { Json, JsonObject } from '../../src/json.js';
import { deliveryMachine, jobMachine, providerAccountMachine } from '../../src/machines/index.js';
import { workflow } from '../kernel/fixtures.js';
import { smallMachines } from '../kernel/small-machines.js';
import { ARTIFACT, jobInput, REF } from '../machines/job-fixture.js';
import { sessionEvents } from '../machines/session-fixture.js';
import type { Answer, Call, Chart, JsonEvent, World } from './world.js';

export type Recovery = NonNullable<EffectPolicy['recovery']>;

/** Longer than any run: nothing is removed while it is compared. */
const RETENTION_MS = 10 ** 12;
const EFFECT_TIMEOUT_MS = 10 ** 9;

const answered: Answer = { label: 'answered', output: { n: 1 } };
const thrown: Answer = { label: 'thrown', error: 'the world said no' };

/** One of the kernel's small machines, its effects under one policy. */
export function smallChart(name: string, recovery: Recovery = 'rerun'): Chart {
  const machine = smallMachines.find(({ id }) => id === name);
  if (machine === undefined) throw new Error(`there is no small machine ${name}`);
  return {
    ...plainChart(machine, recovery),
    events: ['a', 'b', 'c'].map((type) => ({ to: `${name}/one`, event: { type } })),
    answers: { work: [answered, thrown], other: [answered] },
  };
}

/** idle → working → waiting → done, under a policy: interrupted, it fails. */
export function workflowChart(recovery: Recovery): Chart {
  return {
    ...plainChart(
      workflow(() => Promise.resolve(1)),
      recovery,
    ),
    input: { n: 1 },
    events: [
      { to: 'workflow/one', event: { type: 'go' } },
      { to: 'workflow/one', event: { type: 'add', by: 2 } },
    ],
    answers: { work: [answered, thrown] },
  };
}

export const accountChart: Chart = {
  ...plainChart(providerAccountMachine, 'rerun'),
  input: { provider: 'openai', alias: 'main' },
  events: [
    { type: 'account.trouble', class: 'auth', message: 'no key' },
    { type: 'account.trouble', class: 'billing', message: 'no credit' },
    { type: 'account.limited', untilMs: 1_030_000 },
    { type: 'account.resume' },
    { type: 'account.ok' },
  ].map((event) => ({ to: 'provider/one', event })),
  answers: {},
};

/** The benchmark's workload: one life, twelve steps long. */
export const errandChart: Chart = {
  name: errandKind,
  kind: errandKind,
  id: 'one',
  input: { ...errandInput },
  define: () => [{ ...errandDefinition, retentionMs: RETENTION_MS }],
  events: errandLife.map((event) => ({ to: `${errandKind}/one`, event: { ...event } })),
  answers: {},
};

const { paged: _paged, ...session } = sessionDefinition;
/** With its snapshot at each step, so that one can be held against the other. */
export const plainSession: DefinitionOptions = { ...session, snapshot: 'each' };

/** The library's own work: a job with its submit, its polls and its message, under its own policies. */
export const jobChart: Chart = {
  name: 'job',
  kind: 'job',
  id: 'job_1',
  input: jobInput() as unknown as Json,
  define: (world, process) => [
    {
      kind: 'job',
      machine: world.wired(process, jobMachine),
      effects: jobPolicies(),
      retentionMs: RETENTION_MS,
    },
    {
      kind: 'delivery',
      machine: world.wired(process, deliveryMachine),
      effects: { send: { recovery: 'manual', timeoutMs: EFFECT_TIMEOUT_MS } },
      retentionMs: RETENTION_MS,
    },
    // What becomes of the job wakes its conversation.
    plainSession,
  ],
  events: [{ to: 'job/job_1', event: { type: 'job.cancel', reason: 'not wanted' } }],
  nudges: [{ to: 'delivery/dlv_1', event: { type: 'lane.turn' } }],
  answers: {
    submit: [
      { label: 'accepted', output: { type: 'accepted', ref: ref() } },
      { label: 'refused for now', output: { type: 'rejected', error: fault(true) } },
      { label: 'refused', output: { type: 'rejected', error: fault(false) } },
      { label: 'lost', error: 'the connection was reset' },
    ],
    reconcile: [{ label: 'looked', output: look }],
    poll: [
      { label: 'done', output: { type: 'done' } },
      { label: 'pending', output: { type: 'pending' } },
      { label: 'failed', output: { type: 'failed', error: fault(false) } },
    ],
    fetch: [
      { label: 'done', output: { type: 'done', artifacts: [{ ...ARTIFACT }] } },
      { label: 'thrown', error: 'the disk is full' },
    ],
    cancelRemote: [{ label: 'told', output: { type: 'ok' } }],
    send: [
      { label: 'sent', output: { type: 'sent' } },
      {
        label: 'failed',
        output: { type: 'failed', error: { code: 'busy', message: 'busy', permanent: false } },
      },
    ],
  },
  runsOut: true,
};

const first = { provider: 'kling', credential: 'main', requestHash: 'first', cancelOffered: true };
const steps = [first, { ...first, provider: 'openai', requestHash: 'second' }].map((step) => ({
  ...step,
  reconcile: { by: 'key', onUnlisted: 'resubmit', afterMs: 0 } as const,
  pollMinMs: 2_000,
}));

/** A job that may be asked of two providers: each says what it likes, and is paid for what it took. */
export const chainChart: Chart = {
  ...jobChart,
  name: 'job of a chain',
  input: jobInput({ ...steps[0], chain: steps }) as unknown as Json,
  nudges: [...(jobChart.nudges ?? []), { to: 'job/job_1', event: { type: 'provider.available' } }],
  answers: {
    ...jobChart.answers,
    submit: [
      ...(jobChart.answers['submit'] ?? []),
      { label: 'held', output: { type: 'rejected', error: { ...fault(false), class: 'auth' } } },
    ],
    poll: [{ label: 'done', output: { type: 'done' } }],
  },
};

/** A conversation's queue. */
export const sessionChart: Chart = {
  name: 'session',
  kind: 'session',
  id: 'telegram:42',
  input: { key: 'telegram:42' },
  define: () => [plainSession],
  events: sessionEvents.map((event) => ({
    to: 'session/telegram:42',
    event: event as unknown as JsonEvent,
  })),
  answers: {},
};

/** How many tasks the provider was paid for: its side of the ledger. */
export function billsOf(world: World): number {
  return world.ledger.filter((call) => call.src === 'submit' && isBilled(world, call)).length;
}

/** A POST that was refused makes no task; one without an answer may have. */
function isBilled(world: World, call: Call): boolean {
  const label = world.answerTo(call)?.label ?? 'lost';
  return label === 'accepted' || label === 'lost';
}

/** What a look at the provider finds: the task, if one was made. */
function look(world: World): Json {
  return billsOf(world) > 0 ? { type: 'found', ref: ref() } : { type: 'absent' };
}

function ref(): Json {
  return { ...REF };
}

function fault(retryable: boolean): JsonObject {
  return { class: 'server', code: 'server', message: 'the provider is down', retryable };
}

function plainChart(machine: AnyStateMachine, recovery: Recovery): Chart {
  const kind = machine.id;
  return {
    name: `${kind} (${recovery})`,
    kind,
    id: 'one',
    input: {},
    define: (world, process) => {
      const policy: EffectPolicy = {
        recovery,
        timeoutMs: EFFECT_TIMEOUT_MS,
        ...(recovery === 'probe' ? { probe: (context) => world.probe(process, context) } : {}),
      };
      const sources = Object.keys(machine.implementations.actors);
      return [
        {
          kind,
          version: '1',
          machine: world.wired(process, machine),
          effects: Object.fromEntries(sources.map((src) => [src, policy])),
          retentionMs: RETENTION_MS,
        },
      ];
    },
    events: [] as readonly { readonly to: string; readonly event: JsonEvent }[],
    answers: {},
  };
}
