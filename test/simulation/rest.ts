/**
 * The end of a simulation: no more faults, everything is answered and ended, and nothing may be left; and the
 * audit of a whole disk, journals replayed.
 *
 * Callers: simulate.ts. Invariant: the audit changes nothing.
 */
import { checkReplay } from '../../src/actors/kernel/index.js';
import { unpaged } from '../../src/actors/kernel/page-rows.js';
import type { ActorRecord, JournalEntry } from '../../src/actors/kernel/record.js';
import { indexedBy } from '../../src/actors/kernel/indexed.js';
import { persisted } from '../../src/actors/kernel/step.js';
import { keys } from '../../src/store/keys.js';
import type { Chance } from './chance.js';
import { printable } from './rules-of-steps.js';
import { drainSessions } from './session-deeds.js';
import { sessionKeys } from './session-house.js';
import type { RuleName } from './verdict.js';
import type { World } from './world.js';

const ROUNDS_MAX = 60;
const HOUR_MS = 3_600_000;

/** What ends an actor of a kind; others hear `end`. */
const endings: Readonly<Record<string, string>> = {
  job: 'job.cancel',
  work: 'work.cancel',
  task: 'task.cancel',
  schedule: 'schedule.remove',
};

/** Whose rows may be left of what. */
const leftovers: readonly (readonly [letter: string, rule: RuleName])[] = [
  ['s', 'K9'],
  ['d', 'K5'],
  ['o', 'K6'],
  ['i', 'K8'],
  ['y', 'K8'],
  ['n', 'K12'],
  ['j', 'K9'],
  ['c', 'K9'],
  ['a', 'K9'],
  ['f', 'SQ9'],
  ['p', 'SQ9'],
];
/** A conversation never ends: what is left of one is itself, and how it came to be so. */
const OF_SESSIONS = /^(?:[sjc]\0session\/|n\0session\0|f\0session\/\w+\0h\/|a\0[^\0]+\0session\/\w+\0h\/)/;

/** Ends the faults, then everything that is alive; checks that nothing is left. */
export async function comeToRest(world: World, chance: Chance): Promise<void> {
  world.setting = { version: 3, without: [] };
  await world.crash();
  await world.settle();
  await audit(world);
  for (
    let round = 0;
    round < ROUNDS_MAX && isLeft(world) && world.verdict.violation === undefined;
    round += 1
  )
    await tidy(world, chance, round);
  await outlast(world);
  world.oracle.sessions.checkRest();
  world.oracle.work.checkRest();
  world.oracle.tasks.checkRest();
  for (const [letter, rule] of leftovers) {
    const left = [...world.oracle.shadow.rows.keys()].filter((key) => key.startsWith(`${letter}\0`));
    const found = left.filter((key) => !isExcused(world, key) && !OF_SESSIONS.test(key));
    world.verdict.holds(
      rule,
      found.length === 0,
      () => `after the end ${found.length} rows are left: ${shown(world, found)}`,
    );
  }
}

/** One look at everything that is left: it is answered, let go on, and ended. */
async function tidy(world: World, chance: Chance, round: number): Promise<void> {
  const { clients, oracle, process } = world;
  for (const call of clients.unknown()) clients.repeat(process, call);
  await world.settle();
  for (const run of oracle.outside.running()) if (run.type !== 'callback') world.answer(run, chance);
  await world.settle();
  const rows = [...oracle.shadow.rows.keys()];
  for (const key of rows.filter((each) => each.startsWith('q\0quarantine\0'))) {
    const address = key.split('\0').at(-1) ?? '';
    const operation = round % 3 === 2 ? 'dismiss' : 'skip';
    clients.call(process, address, { type: 'operate', operation });
  }
  await world.settle();
  for (const key of rows.filter((each) => each.startsWith('s\0') && !OF_SESSIONS.test(each))) {
    const address = key.slice(2);
    const record = oracle.record(address);
    if (record?.status !== 'active' || record.parent !== undefined || record.quarantine !== undefined)
      continue;
    const type = endings[address.slice(0, address.indexOf('/'))] ?? 'end';
    clients.call(process, address, { type: 'send', event: { type } });
  }
  drainSessions(world);
  await world.settle();
  world.time.jump(round < 10 ? 20_000 : 40 * 24 * HOUR_MS);
  await world.time.advance(61_000);
  await world.settle();
}

const SWEEPS = 3;

/** Long enough that what expires is swept, by the commits of a session where there is one. */
async function outlast(world: World): Promise<void> {
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    world.time.jump(8 * 24 * HOUR_MS);
    await world.time.advance(HOUR_MS);
    for (const key of sessionKeys)
      world.sessions.use(
        key,
        (session) => session.mode({ cap: 5 }),
        () => undefined,
      );
    await world.settle();
  }
}

function isLeft(world: World): boolean {
  for (const key of world.oracle.shadow.rows.keys()) {
    if (key.startsWith('p\0session/') && key.includes('\0b/')) return true;
    if (OF_SESSIONS.test(key) || isExcused(world, key)) continue;
    const letter = key.slice(0, 1);
    if (letter === 's' || letter === 'i' || letter === 'd' || letter === 'o') return true;
  }
  return false;
}

/** What a damaged actor leaves behind, and what others sent it, is the operator's. */
function isExcused({ oracle }: World, key: string): boolean {
  return (
    [...oracle.rotten].some((address) => key.includes(`\0${address}`)) ||
    (oracle.rotten.size > 0 && /^[no]/.test(key))
  );
}

function shown(world: World, found: readonly string[]): string {
  return found
    .slice(0, 4)
    .map((key) => `${printable(key)} ${world.oracle.shadow.rows.get(key)?.slice(0, 300)}`)
    .join('; ');
}

/** Every journal leads to its snapshot, and every actor is found by what its snapshot says. */
export async function audit(world: World): Promise<void> {
  const { oracle, verdict, process } = world;
  const indexed = new Set<string>();
  for (const [key, text] of oracle.shadow.rows) {
    if (!key.startsWith('s\0')) continue;
    const address = key.slice(2);
    const record = JSON.parse(text) as ActorRecord;
    const definition = process.kernel.definitionOf(address.slice(0, address.indexOf('/')));
    const isReadable = !oracle.rotten.has(address) && definition?.version === record.version;
    if (!isReadable || definition === undefined) continue;
    const found = await process.kernel.snapshot(address);
    if (found === undefined || found.record.seq !== record.seq) continue;
    const entries = journalOf(world, address);
    const from = (entries[0]?.seq ?? 1) - 1;
    const kept = from === 0 ? undefined : oracle.shadow.read<ActorRecord>(keys.checkpoint(address, from));
    const read = (key: string): string | undefined => oracle.shadow.rows.get(key);
    const checkpoint = kept && (await unpaged({ read }, address, kept)).record;
    const stored = JSON.parse(JSON.stringify(persisted(definition.steppable, found.snapshot))) as never;
    let diverged = '';
    try {
      checkReplay({ definition, address, entries, ...(checkpoint && { checkpoint }) }, stored);
    } catch (error) {
      diverged = String(error);
    }
    verdict.holds('K10', diverged === '', () => `${address}: ${diverged}`);
    const { keys: rows } = indexedBy(definition, found.snapshot, { address, ord: record.ord });
    for (const row of rows) indexed.add(row);
    const isFound = rows.every((row) => oracle.shadow.rows.get(row) === JSON.stringify(address));
    verdict.holds('K3', isFound, () => `${address} is not found by ${rows.map(printable).join()}`);
  }
  for (const key of oracle.shadow.rows.keys()) {
    if (
      !/^q\0(?:(?:worker|job|delivery|work|task|schedule)\.|session-)/.test(key) ||
      indexed.has(key) ||
      oracle.rotten.size > 0
    )
      continue;
    verdict.holds('K3', false, () => `${printable(key)} is an index row of nobody`);
  }
}

function journalOf({ oracle }: World, address: string): JournalEntry[] {
  const found = [...oracle.shadow.own('j', address)].sort();
  return found.flatMap((key) => oracle.shadow.read<JournalEntry>(key) ?? []);
}
