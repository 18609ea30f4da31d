/**
 * The process that is killed while it talks: a runtime whose sessions it fills and works off.
 *
 * Callers: ../talks.ts. Every line it prints is a fact that has happened: `open`, `said <id>`, `stalled`,
 * `quiet`. It dies where its plan says. Owns the injection of kills, which lives here and never in src.
 */
import { once } from 'node:events';
import { fsyncSync, openSync, writeSync } from 'node:fs';
import { openRuntime, silentLogger, type Runtime, type Session, type Turn } from '../../../src/index.js';
import type { SessionContext } from '../../../src/machines/index.js';
import { systemClock } from '../../../src/clock.js';
import { openai } from '../../../src/providers/index.js';
import { faultyStore, type CommitPhase } from '../../../src/testing/index.js';
import { createFastClock } from '../fast-clock.js';
import { readTalkPlan, type Fact, type Point, type Said, type TalkPlan } from '../session-plan.js';
import { untilKilled } from './until-killed.js';

const LOOKS_MAX = 100_000;
const DAY_MS = 86_400_000;

type Render = NonNullable<TalkPlan['renders']>['jobs'][number];

/** Claimed work, and how it ends. */
interface Work {
  /** Takes what need not wait. */
  checkpoint(): Promise<unknown>;
  commit(): Promise<unknown>;
}

const POLICIES = {
  together: { deliver: 'earliestSafeBoundary', slot: 'join', merge: { group: 'talk' } },
  alone: {},
} as const;

class Talker {
  readonly #plan: TalkPlan;
  readonly #ledger: number;
  /** The phase of the next commit at which it dies. */
  #deadly: CommitPhase | undefined;
  #turns = 0;

  constructor(plan: TalkPlan) {
    this.#plan = plan;
    this.#ledger = openSync(plan.ledger, 'a');
  }

  async run(): Promise<void> {
    const { directory, by, messages, renders } = this.#plan;
    const clock = renders === undefined ? systemClock : createFastClock(renders.clock);
    const baseUrl = `${renders?.simulatorUrl ?? ''}/openai/v1`;
    const account = { apiKey: 'sk-test', clock, baseUrl, onUnlisted: 'resubmit' } as const;
    const runtime = await openRuntime({
      directory,
      providers: renders === undefined ? [] : [openai(account)],
      sessions: { attemptsMax: 1_000 },
      jobs: { reconcileAfterMs: 0, poll: { everyMs: 1_000, slowMs: 1_000 } },
      control: false,
      log: silentLogger,
      clock,
      wrapStore: (store) => faultyStore(store, { onCommit: (_number, phase) => this.#meet(phase) }),
    });
    say('open');
    if (by === 'serve') runtime.sessions.serve((turn) => this.#work(runtime, turn));
    for (const job of renders?.jobs ?? []) await render(runtime, job);
    const wanted = [...messages, ...(renders?.jobs ?? [])];
    const keys = [...new Set(wanted.map(({ session }) => session))];
    // In order within a session, sessions side by side.
    await Promise.all(
      keys.map(async (key) => {
        for (const message of messages.filter(({ session }) => session === key)) await tell(runtime, message);
      }),
    );
    await this.#reach('enqueued');
    if (by !== 'serve') for (const key of keys) await this.#workOff(runtime.sessions.get(key));
    for (const key of keys) {
      const count = wanted.filter(({ session }) => session === key).length;
      await worked(runtime, key, count);
    }
    say('quiet');
    if (this.#plan.isKilled === true) await untilKilled();
    await runtime.close();
  }

  async #work(runtime: Runtime, turn: Turn): Promise<void> {
    const { sessionId } = turn;
    const session = runtime.sessions.get(sessionId);
    await this.#noteHeld(session);
    const more = await turn.checkpoint();
    await this.#noteHeld(session);
    const causes = [...turn.turnCauses, ...more.turnCauses].map(({ id, eventType }) => `${eventType} ${id}`);
    const ids = [...turn.acceptedInputs().map(({ id }) => id), ...causes];
    this.#turns += 1;
    if (this.#turns >= (this.#plan.stallsAt ?? Infinity)) {
      say('stalled');
      await untilKilled();
    }
    await turn.commit(replyTo(ids));
    this.#note({ type: 'committed', session: sessionId, ids });
  }

  async #workOff(session: Session): Promise<void> {
    for (let turns = 0; turns < LOOKS_MAX; turns += 1) {
      const { by, max } = this.#plan;
      const work = by === 'claim' ? await byClaims(session, { max }) : await byTurn(session, { max });
      if (work === undefined) return;
      await this.#noteHeld(session);
      await this.#reach('claimed');
      await work.checkpoint();
      const ids = await this.#noteHeld(session);
      await this.#reach('checkpointClaimed');
      await this.#reach('handlerDone');
      const { dieAt } = this.#plan;
      if (dieAt === 'beforeCommit') this.#deadly = 'before';
      if (dieAt === 'afterCommit') this.#deadly = 'after';
      await work.commit();
      this.#note({ type: 'committed', session: session.key, ids });
      await this.#reach('committed');
    }
    throw new Error('too many turns');
  }

  async #noteHeld(session: Session): Promise<readonly string[]> {
    const { items } = await session.list();
    const held = items.filter(({ state }) => state === 'claimed');
    const batches = held.map(({ sourceKey = '', claim, claims, attempts }) => {
      return { id: sourceKey.replace('host:', ''), claimId: claim?.claimId ?? '', claims, attempts };
    });
    this.#note({ type: 'held', session: session.key, batches });
    return batches.map(({ id }) => id);
  }

  #note(fact: Fact): void {
    writeSync(this.#ledger, `${JSON.stringify(fact)}\n`);
    fsyncSync(this.#ledger);
  }

  async #reach(point: Point): Promise<void> {
    if (this.#plan.dieAt === point) await die();
  }

  async #meet(phase: CommitPhase): Promise<void> {
    if (phase === this.#deadly) await die();
  }
}

async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  await once(process, 'a death that has no event');
  throw new Error('survived');
}

interface AskWork {
  readonly max: number | undefined;
}

async function byTurn(session: Session, { max = 64 }: AskWork): Promise<Work | undefined> {
  const turn = await session.turn({ max });
  if (turn.isEmpty) return undefined;
  return {
    checkpoint: () => turn.checkpoint(),
    commit: () => turn.commit(replyTo(turn.acceptedInputs().map(({ id }) => id))),
  };
}

async function byClaims(session: Session, { max = 64 }: AskWork): Promise<Work | undefined> {
  const first = await session.claim({ max });
  if (first.isEmpty) return undefined;
  const claims = [first];
  return {
    checkpoint: async () => {
      const claim = await session.claim({ max, boundary: 'activeTurnCheckpoint' });
      if (!claim.isEmpty) claims.push(claim);
    },
    commit: async () => {
      const batches = (await Promise.all(claims.map((claim) => claim.load()))).flat();
      const ids = batches.map(({ sourceKey = '' }) => sourceKey.replace('host:', ''));
      const history = [...ids.map((content) => ({ role: 'user', content })), { content: replyTo(ids) }];
      const receipts = claims.map((claim) => claim.completion());
      await session.settle(receipts, { turnId: `turn of ${ids.join(' ')}`, commitHash: 'same', history });
    },
  };
}

function replyTo(ids: readonly string[]): string {
  return `reply to ${ids.join(' ')}`;
}

/** A producer that repeats itself: it may have died before it heard that it was understood. */
async function tell(runtime: Runtime, { session, id, as }: Said): Promise<void> {
  const policies = { ...POLICIES[as], dedupeRetentionMs: DAY_MS };
  await runtime.sessions.get(session).enqueue({ id, text: id }, policies);
  say(`said ${id}`);
}

/** The same for a render: one key, one job. */
async function render(runtime: Runtime, { key, session }: Render): Promise<void> {
  const wanted = { provider: 'openai', prompt: key, idempotencyKey: key, sessionKey: session };
  await runtime.jobs.submit(wanted);
  say(`said ${key}`);
}

/** Resolves once as much work of a session is settled; looks again after each step. */
async function worked(runtime: Runtime, key: string, count: number): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const stepped = new Promise<void>((resolve) => {
      const stop = runtime.on('step', () => {
        stop();
        resolve();
      });
    });
    const actor = await runtime.inspect.snapshot(`session/${key}`);
    const context = actor?.snapshot.context as SessionContext | undefined;
    if (context?.counts.completed === count) return;
    await stepped;
  }
  throw new Error('too many looks');
}

function say(fact: string): void {
  writeSync(1, `${fact}\n`);
}

await new Talker(readTalkPlan(process.argv[2] ?? '')).run();
