/**
 * The census: what a machine would make of the actors that are stored, before it runs (K12).
 *
 * Pure, but for `trial`, which reads. Callers: ../census.ts, the CLI. Invariants:
 *  W1  Nothing is written, stepped or started.
 *  W2  Every stored actor of the kind and of its children's kinds is in exactly one row.
 *  W3  Without a trial the answer comes from the counts alone: its cost does not grow with the actors.
 */
import { isHoldfastError } from '../../errors.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { StateCount } from './counts.js';
import type { Definition } from './definition.js';
import { migrateRecord, migrationPath, type MigrationScene } from './migration.js';
import type { FoundRecord, Reader } from './reader.js';
import { valueOf, type ActorRecord } from './record.js';
import { nodesAt, type MachineNode, type Shape } from './shape.js';
import { familyOf } from './versions.js';

/**
 * `safe`: goes on as it is. `migrates`: a function makes it one of this version. `blocked`: it would be
 * quarantined or parked; `reason` says why and what to do.
 */
export type Verdict = 'safe' | 'migrates' | 'blocked';

export interface CensusRow {
  readonly kind: string;
  readonly version: string;
  readonly hash: string;
  /** The state value. */
  readonly state: Json;
  readonly count: number;
  readonly verdict: Verdict;
  /** Of blocked ones. */
  readonly reason?: string;
}

/** An actor whose migration failed when it was tried. */
export interface FailedTrial {
  readonly address: string;
  readonly version: string;
  readonly state: Json;
  readonly message: string;
}

/** Every actor that would migrate, migrated in memory. */
export interface Trial {
  readonly tried: number;
  readonly failed: number;
  /** The first of them. */
  readonly failures: readonly FailedTrial[];
}

export interface Census {
  readonly kind: string;
  /** The version of the machine that was asked about. */
  readonly version: string;
  /** By kind, version and state. */
  readonly rows: readonly CensusRow[];
  readonly safe: number;
  readonly migrates: number;
  readonly blocked: number;
  readonly trial?: Trial;
}

const FAILURES_SHOWN = 10;

/** What would set an actor aside when it is migrated; anything else is a fault of the store or of ours. */
const SETS_ASIDE: ReadonlySet<string> = new Set(['MIGRATION_FAILED', 'REPLAY_DIVERGED', 'VERSION_UNKNOWN']);

/**
 * `counts` may hold rows of any kind. `isOther` tells kinds that only look like a child's of this one: they
 * are somebody else's.
 */
export function censusOf(
  counts: readonly StateCount[],
  definition: Definition,
  isOther: (kind: string) => boolean = () => false,
): Census {
  const definitions = new Map(Array.from(familyOf(definition), (each) => [each.kind, each]));
  const { kind, version } = definition;
  const rows = counts
    .filter((row) => definitions.has(row.kind) || (row.kind.startsWith(`${kind}.`) && !isOther(row.kind)))
    .map((row) => rowOf(row, definitions.get(row.kind)))
    .sort(inOrder);
  const sum = (verdict: Verdict): number =>
    rows.reduce((total, row) => (row.verdict === verdict ? total + row.count : total), 0);
  return {
    kind,
    version,
    rows,
    safe: sum('safe'),
    migrates: sum('migrates'),
    blocked: sum('blocked'),
  };
}

/** Migrates in memory, one page of actors at a time, whatever has a way and is not of this version yet. */
export async function trialOf(
  reader: Pick<Reader, 'records' | 'whole'>,
  definition: Definition,
  shapeOf: (record: ActorRecord, kind: string) => Shape | undefined,
  onProgress?: (tried: number) => void,
): Promise<Trial> {
  const failures: FailedTrial[] = [];
  let tried = 0;
  let failed = 0;
  for (const each of familyOf(definition)) {
    for await (const [address, record] of migrating(reader, each)) {
      tried += 1;
      onProgress?.(tried);
      const scene = { address, shape: shapeOf(record, each.kind) };
      const message = await failureOf(each, () => reader.whole(each, { address, record }), scene);
      if (message === undefined) continue;
      failed += 1;
      if (failures.length >= FAILURES_SHOWN) continue;
      failures.push({ address, version: record.version, state: valueOf(record), message });
    }
  }
  return { tried, failed, failures };
}

function rowOf(counted: StateCount, definition: Definition | undefined): CensusRow {
  const { finished, amortized: _amortized, state: text, ...row } = counted;
  const state = text === '' ? null : (JSON.parse(text) as Json);
  const judgement = judged(counted, state, definition);
  // What has ended only waits for its retention: no other version steps it again.
  const rests = finished && row.version !== definition?.version;
  return { ...row, state, ...(rests ? { verdict: 'safe' } : judgement) };
}

type Judged = Pick<CensusRow, 'verdict' | 'reason'>;

function judged(
  row: Pick<StateCount, 'kind' | 'version' | 'hash' | 'amortized'>,
  state: Json,
  definition: Definition | undefined,
): Judged {
  if (definition === undefined) {
    const src = row.kind.slice(row.kind.lastIndexOf('.') + 1);
    return blocked(`no machine or transition is named "${src}" any more; keep it until these have ended`);
  }
  if (isPresent(definition, row)) return { verdict: 'safe' };
  const path = migrationPath(definition, row);
  if (path === undefined) {
    return row.version === definition.version
      ? blocked(`the machine changed under version "${row.version}"; give it a new version`)
      : blocked(`nothing leads from "${row.version}" to "${definition.version}"; add it to migrate.from`);
  }
  if (row.amortized && definition.migrate?.machines?.[row.version] === undefined)
    return blocked(
      `the last steps of "${row.version}" are in the journal; give migrate.machines its machine`,
    );
  if (path.some((migration) => migration !== 'compatible')) return { verdict: 'migrates' };
  const { machine } = definition;
  if (machine === undefined || nodesAt<MachineNode>(machine.root, state) !== undefined)
    return { verdict: 'safe' };
  return blocked('the machine has no such state; "compatible" needs it, a function can lead elsewhere');
}

function blocked(reason: string): Judged {
  return { verdict: 'blocked', reason };
}

function isPresent(definition: Definition, { version, hash }: Pick<StateCount, 'version' | 'hash'>): boolean {
  return version === definition.version && hash === definition.hash;
}

function inOrder(a: CensusRow, b: CensusRow): number {
  return (
    a.kind.localeCompare(b.kind) ||
    a.version.localeCompare(b.version, undefined, { numeric: true }) ||
    JSON.stringify(a.state).localeCompare(JSON.stringify(b.state))
  );
}

async function failureOf(
  definition: Definition,
  recordOf: () => Promise<ActorRecord>,
  scene: MigrationScene,
): Promise<string | undefined> {
  try {
    migrateRecord(definition, await recordOf(), scene);
    return undefined;
  } catch (error) {
    if (isHoldfastError(error) && SETS_ASIDE.has(error.code)) return error.message;
    throw error;
  }
}

/** Those that would migrate. A damaged row is no matter of versions: it is left out. */
async function* migrating(
  reader: Pick<Reader, 'records'>,
  definition: Definition,
): AsyncGenerator<readonly [address: string, record: ActorRecord]> {
  const wanted = ({ record }: FoundRecord): boolean =>
    record?.status === 'active' &&
    !isPresent(definition, record) &&
    migrationPath(definition, record) !== undefined;
  let cursor: string | undefined;
  do {
    const page = await reader.records(definition.kind, wanted, { cursor, limit: limits.scanPageRows });
    for (const { address, record } of page.items) if (record !== undefined) yield [address, record];
    ({ cursor } = page);
  } while (cursor !== undefined);
}
