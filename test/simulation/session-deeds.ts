/**
 * What may happen to sessions in one step of a simulation.
 *
 * Callers: actions.ts. Invariant: as of all actions: one draws from the chance of its own step alone.
 */
import type { AskClaim, ModeChange } from '../../src/actors/session/asked.js';
import type { EnqueuePolicies, SessionInputDraft } from '../../src/actors/session/drafts.js';
import type { Session } from '../../src/actors/session/session.js';
import { dropPolicies, queueModes } from '../../src/machines/index.js';
import type { Action } from './actions.js';
import type { Chance } from './chance.js';
import type { Held } from './session-clients.js';
import { CLAIM_TTL_MS, sessionKeys } from './session-house.js';
import type { World } from './world.js';

function keyOf(chance: Chance): string {
  return chance.oneOf(sessionKeys) ?? 'a';
}

/** An input under a name of its own, or under one that was used before. */
function inputOf(world: World, chance: Chance): SessionInputDraft {
  const id = chance.happens(0.3) ? `again${chance.below(4)}` : world.newName('u');
  if (chance.happens(0.8)) return { id, text: `said ${id}` };
  const attachment = `file${chance.below(3)}.png`;
  const images = { shot: { attachment, mime: 'image/png', bytes: 1 } };
  return { id, items: [{ text: `said ${id}` }, { imageRef: 'shot' }], images };
}

function policiesOf(world: World, chance: Chance): EnqueuePolicies {
  const merges = ['never', 'payloadDefault', { group: 'g' }, { group: 'h' }] as const;
  return {
    deliver: chance.happens(0.5) ? 'earliestSafeBoundary' : 'afterCurrentTurnCommit',
    slot: chance.happens(0.7) ? 'join' : 'exclusive',
    merge: chance.oneOf(merges) ?? 'never',
    availableAt: chance.happens(0.2) ? world.time.now() + chance.below(20_000) : 0,
    dedupeRetentionMs: chance.happens(0.2) ? chance.below(100_000) : 0,
    onConflict: chance.happens(0.2) ? 'reject' : 'report',
  };
}

function enqueue(world: World, chance: Chance): string {
  const key = keyOf(chance);
  const input = inputOf(world, chance);
  const policies = policiesOf(world, chance);
  world.sessions.put(key, (session) => session.enqueue(input, policies));
  return `${input.id} to ${key}`;
}

function message(world: World, chance: Chance): string {
  const key = keyOf(chance);
  const input = inputOf(world, chance);
  const channel = chance.oneOf(['', 'chat']) ?? '';
  world.sessions.put(key, (session) => session.message(input, { channel }));
  return `${input.id} to ${key} by ${channel}`;
}

/** What is not said, and enters a turn all the same. */
function wakeOrCommand(world: World, chance: Chance): string {
  const key = keyOf(chance);
  if (chance.happens(0.3)) {
    const name = world.newName('c');
    const command = { kind: 'resetSession', reason: 'simulated' } as const;
    world.sessions.use(key, (session) => session.command(command, name), nothing);
    return `command ${name} to ${key}`;
  }
  const wake = {
    processId: `p${chance.below(2)}`,
    sequence: chance.below(40),
    eventType: 'ticked',
    input: 1,
  };
  world.sessions.put(key, (session) => session.wake(wake));
  return `wake ${wake.sequence} of ${wake.processId} to ${key}`;
}

function claim(world: World, chance: Chance): string {
  const key = keyOf(chance);
  const isLease = chance.happens(0.4);
  const asked: AskClaim = {
    boundary: chance.happens(0.3) ? 'activeTurnCheckpoint' : 'idle',
    max: chance.below(5),
    hold: isLease ? 'lease' : 'process',
    ttlMs: isLease ? 1_000 + chance.below(CLAIM_TTL_MS) : CLAIM_TTL_MS,
  };
  const isCommand = chance.happens(0.2);
  const { max: _max, ...rest } = asked;
  world.sessions.claim(key, isLease, (session) =>
    isCommand ? session.claimCommand(rest) : session.claim(asked),
  );
  return `${asked.hold} of ${key}${isCommand ? ', a command' : ''}`;
}

function turn(world: World, chance: Chance): string {
  const key = keyOf(chance);
  const max = 1 + chance.below(8);
  world.sessions.begin(key, (session) => session.turn({ max }));
  return `of ${key}`;
}

/** Something somebody holds. */
function some(world: World, chance: Chance, isMeant: (held: Held) => boolean): Held | undefined {
  return world.sessions.isOpen ? chance.oneOf(world.sessions.held.filter(isMeant)) : undefined;
}

function work(world: World, chance: Chance): string | undefined {
  const { sessions } = world;
  const held = some(world, chance, (one) => one.state === 'kept' && sessions.isLiving(one));
  if (held === undefined) return undefined;
  const what = chance.below(10);
  if (what < 3 && 'checkpoint' in held.work) {
    sessions.checkpoint(held);
    return `checkpoint of ${held.number}`;
  }
  if (what < 8) {
    sessions.settle(held);
    return `settles ${held.number}`;
  }
  sessions.giveBack(held, chance.happens(0.5) ? chance.below(10_000) : undefined);
  return `gives ${held.number} back`;
}

/** What is settled is settled again, and what dead owners held is settled late. */
function late(world: World, chance: Chance): string | undefined {
  const { sessions } = world;
  const held = some(world, chance, (one) => one.state !== 'kept' || !sessions.isLiving(one));
  if (held === undefined) return undefined;
  const isOther = chance.happens(0.2);
  const { completion } = held;
  sessions.settle(held, isOther ? { ...completion, commitHash: 'other', history: [] } : completion);
  return `settles ${held.number}, which is ${held.state}${isOther ? ', otherwise' : ''}`;
}

function tend(world: World, chance: Chance): string {
  const key = keyOf(chance);
  const { sessions } = world;
  const what =
    chance.oneOf(['cancel', 'cancel', 'retry', 'mode', 'mode', 'resume', 'list'] as const) ?? 'list';
  const heads = sessionHeads(world, key);
  const batchId = chance.oneOf(heads) ?? 'bat_1_none';
  if (what === 'cancel') sessions.use(key, (session) => session.cancel(batchId), nothing);
  if (what === 'retry') sessions.use(key, (session) => session.retry(batchId), nothing);
  if (what === 'resume') sessions.use(key, (session) => session.resume(), nothing);
  if (what === 'mode') {
    const change: ModeChange = {
      mode: chance.oneOf(queueModes) ?? 'steer',
      drop: chance.oneOf(dropPolicies) ?? 'old',
      cap: 1 + chance.below(4),
      debounceMs: chance.below(2_000),
      ...(chance.happens(0.3) ? { channel: 'chat' } : {}),
    };
    sessions.use(key, (session) => session.mode(change), nothing);
  }
  if (what === 'list') {
    sessions.use(
      key,
      (session) => session.list({ limit: 1_000 }),
      ({ items }) => {
        const bare = items.find((batch) => batch.items.length === 0);
        const seqs = items.map(({ seq }) => seq);
        const isOrdered = seqs.every((seq, index) => seq > (seqs[index - 1] ?? 0));
        world.verdict.holds('SQ5', isOrdered && bare === undefined, () => `${key} lists ${seqs.join()}`);
      },
    );
  }
  return `${what} ${key} ${batchId}`;
}

function sessionHeads({ oracle }: World, key: string): readonly string[] {
  const pages = oracle.sessions.contextOf(key)?.pages ?? [];
  return pages.flatMap(({ heads }) => heads.map(({ seq, nonce }) => `bat_${seq}_${nonce}`));
}

function nothing(): void {
  // Its session says what became of it.
}

function deed(
  name: string,
  weight: number,
  run: (world: World, chance: Chance) => string | undefined,
): Action {
  return { name, weight, run: (world, chance) => (world.sessions.isOpen ? run(world, chance) : undefined) };
}

export const sessionDeeds: readonly Action[] = [
  deed('enqueue', 7, enqueue),
  deed('message', 5, message),
  deed('wake', 2, wakeOrCommand),
  deed('claim', 4, claim),
  deed('turn', 5, turn),
  deed('turnWork', 9, work),
  deed('settleLate', 3, late),
  deed('tend', 4, tend),
];

const DRAINS_MAX = 20;

/** Brings what waits to its end: it is claimed and settled, and what nobody can claim is cancelled. */
export function drainSessions(world: World): void {
  const { shadow } = world.oracle;
  // One after the other: where one actor has room in memory, each use of another begins with its replay.
  let last: Promise<void> = Promise.resolve();
  for (const key of sessionKeys) {
    const isLeft = [...shadow.own('p', `session/${key}`)].some((row) => row.includes('\0b/'));
    if (!isLeft) continue;
    const before = last;
    last = new Promise((done) => {
      world.sessions.use(key, (session) => before.then(() => drained(session)).finally(done), nothing);
    });
  }
}

async function drained(session: Session): Promise<void> {
  await session.resume();
  for (let count = 0; count < DRAINS_MAX; count += 1) {
    const command = await session.claimCommand();
    const claimed = command.isEmpty ? await session.claim({ max: 1_000 }) : command;
    if (claimed.isEmpty) break;
    await claimed.complete();
  }
  const { items } = await session.list({ limit: 1_000 });
  for (const { batchId, state } of items) if (state === 'dead') await session.cancel(batchId);
}
