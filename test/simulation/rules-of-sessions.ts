/**
 * The rules of sessions, SQ1 to SQ10, that a write of the disk, a step that is told and an answer must keep.
 *
 *   SQ1  what was taken stays until it is settled, cancelled or dropped by its queue mode
 *   SQ2  nobody takes what a live claim has, and no live owner loses a claim but to a newer message
 *   SQ3  tokens of a batch rise with every claim
 *   SQ4  a batch is settled once, and what its settlement writes into the history is there once
 *   SQ5  the head is never skipped, what was taken together comes together, and no seq comes twice
 *   SQ6  each outcome of a job or a task is one batch of its session
 *   SQ7  a completion that is repeated gets the first receipt
 *   SQ8  a turn id is committed once
 *   SQ9  payloads, keys and holds are those that the context says, and no others
 *   SQ10 pages are those that checkpoints refer to, and no others
 *
 * Callers: the oracle, the clients of sessions. Invariants: it is a second reading of the spec: it uses none
 * of the chart's rules; what was noted with a write is forgotten when the write is lost.
 */
import type { CommittedStep } from '../../src/actors/kernel/index.js';
import type { ActorRecord, HistoryEntry, JournalEntry } from '../../src/actors/kernel/record.js';
import type { SettledTurn } from '../../src/actors/session/settle.js';
import type {
  BatchHead,
  ClaimHead,
  SessionContext,
  SessionEvent,
  TurnReceipt,
} from '../../src/machines/index.js';
import { keys, partsOf } from '../../src/store/keys.js';
import type { ActorChange, Batch } from './batch.js';
import { Memory, type Writes } from './memory.js';
import { checkpointFault, rowsFault } from './session-rows.js';
import type { RowChange, Shadow } from './shadow.js';
import type { RuleName, Verdict } from './verdict.js';

type Ending = 'settled' | 'cancelled' | 'dropped';

interface Known {
  readonly seq: number;
  readonly context: SessionContext;
}

const SESSION = 'session/';
const RECEIPTS_KEPT_MS = 7 * 86_400_000;

export class RulesOfSessions {
  readonly #verdict: Verdict;
  readonly #shadow: Shadow;
  /** Every batch there ever was, by its nonce: in the queue, or how it left. */
  readonly #batches: Memory<'queued' | Ending>;
  /** The highest token of a batch, by its nonce. */
  readonly #tokens: Memory<number>;
  /** Entries of histories, by what names them. */
  readonly #entries: Memory<string>;
  /** When a turn id was committed, by session and id. */
  readonly #commits: Memory<number>;
  readonly #receipts: Memory<TurnReceipt>;
  /** Wakes that jobs and tasks owe their sessions, and those that came. */
  readonly #owed: Memory<string>;
  readonly #woken: Memory<number>;
  /** Rows of what histories hold, with their sessions. */
  readonly #kept: Memory<string>;
  /** The newest step of each session that was told. */
  readonly #known = new Map<string, Known>();

  constructor(verdict: Verdict, shadow: Shadow, writes: Writes) {
    this.#verdict = verdict;
    this.#shadow = shadow;
    this.#batches = new Memory(writes);
    this.#tokens = new Memory(writes);
    this.#entries = new Memory(writes);
    this.#commits = new Memory(writes);
    this.#receipts = new Memory(writes);
    this.#owed = new Memory(writes);
    this.#woken = new Memory(writes);
    this.#kept = new Memory(writes);
  }

  /** A session as of the newest step of it that was told. */
  contextOf(key: string): SessionContext | undefined {
    return this.#known.get(`${SESSION}${key}`)?.context;
  }

  /** What was told may not be so any more: of a process, or of writes that are lost. */
  forget(): void {
    this.#known.clear();
  }

  check(batch: Batch): void {
    for (const change of batch.changes) this.#checkRow(batch, change);
    for (const change of batch.actors.values()) {
      const { address, after } = change;
      if (/^(?:job|task)\//.test(address)) this.#checkOutcomes(change);
      if (!address.startsWith(SESSION)) continue;
      this.#holds('SQ1', after?.quarantine === undefined, () => `${address} stands still`);
      for (const entry of change.entries) this.#checkStep(batch, address, entry);
    }
  }

  /** A step that listeners are told of. */
  told({ address, entry, snapshot }: CommittedStep, record: ActorRecord | undefined): void {
    if (!address.startsWith(SESSION)) return;
    const context = snapshot.context as SessionContext;
    const known = this.#known.get(address);
    this.#known.set(address, { seq: entry.seq, context });
    if (known?.seq === entry.seq - 1) {
      const nextSeq = known.context.nextSeq <= context.nextSeq;
      this.#holds('SQ5', nextSeq, () => `${address} goes back to seq ${context.nextSeq}`);
      for (const claim of Object.values(context.claims))
        if (known.context.claims[claim.claimId] === undefined)
          this.#checkTaken(address, known.context, context, claim);
    }
    if (record?.seq !== entry.seq) return;
    const kept = [...this.#kept.entries()].flatMap(([row, of]) => (of === address ? [row] : []));
    const fault = rowsFault(this.#shadow, address, context, kept);
    this.#holds('SQ9', fault === undefined, () => `${address} at step ${entry.seq}: ${fault}`);
  }

  /** A batch was answered for. */
  taken(key: string, batchId: string): void {
    const state = this.#batches.get(nonceOf(batchId));
    this.#holds(
      'SQ1',
      state !== undefined,
      () => `${batchId} of session ${key} was taken, and is not on disk`,
    );
  }

  /** A completion was answered for. */
  settled(key: string, { turnId, commitHash, batchIds, at }: SettledTurn): void {
    const open = batchIds.find((id) => this.#batches.get(nonceOf(id)) !== 'settled');
    this.#holds('SQ4', open === undefined, () => `${open} of session ${key} was settled, and is not on disk`);
    if (turnId === undefined) return;
    const receipt = this.#receipts.get(`${key}\0${turnId}`);
    const isSame = receipt?.at === at && receipt.batchIds.join() === batchIds.join();
    this.#holds(
      'SQ7',
      isSame,
      () => `turn ${turnId} of session ${key} got another receipt than ${receipt?.at}`,
    );
    const isIts = receipt?.commitHash === commitHash;
    this.#holds('SQ8', isIts, () => `turn ${turnId} of session ${key} was committed in two ways`);
  }

  /** True for a turn whose end is on disk. */
  hasReceipt(key: string, turnId: string | undefined): boolean {
    return turnId !== undefined && this.#receipts.get(`${key}\0${turnId}`) !== undefined;
  }

  /** True for a turn whose place a newer message has taken, on disk. */
  wasInterrupted(key: string, turnId: string | undefined): boolean {
    return this.#receipts.get(`${key}\0${turnId}`)?.outcome === 'interrupted';
  }

  /** Nothing is under way any more: what was owed has come, and nothing waits. */
  checkRest(): void {
    for (const [nonce, key] of this.#owed.entries())
      this.#holds('SQ6', this.#woken.get(nonce) !== undefined, () => `${nonce} never came to session ${key}`);
    for (const [nonce, state] of this.#batches.entries())
      this.#holds('SQ1', state !== 'queued', () => `${nonce} is in no queue, and nobody has settled it`);
  }

  #checkRow({ actors }: Batch, { key, before, after }: RowChange): void {
    if (key.startsWith('h\0') && after !== undefined) this.#checkEntry(key, after);
    const [address = '', name = ''] = partsOf(key);
    if (!address.startsWith(SESSION)) return;
    if (key.startsWith('c\0')) {
      const fault = checkpointFault(this.#shadow, address);
      this.#holds('SQ10', fault === undefined, () => `${address}: ${fault}`);
    }
    if (!key.startsWith('p\0')) return;
    if (name.startsWith('t/')) this.#checkReceipt(address, before, after);
    if (!name.startsWith('b/')) return;
    const nonce = name.slice(2);
    const state = this.#batches.get(nonce);
    if (after !== undefined) {
      const isNew = before !== undefined || state === undefined;
      this.#holds('SQ4', isNew, () => `${nonce} of ${address} was ${state}, and is back`);
      this.#batches.set(nonce, 'queued');
      return;
    }
    const isOpen = state === undefined || state === 'queued';
    this.#holds('SQ4', isOpen, () => `${nonce} of ${address} was ${state}, and ends again`);
    const ending = endingOf(nonce, actors.get(address)?.entries ?? []);
    this.#holds(
      'SQ1',
      ending !== undefined,
      () => `${nonce} of ${address} is gone, and nothing has ended it`,
    );
    this.#batches.set(nonce, ending ?? 'dropped');
  }

  /** What a settlement has written into a history is there once. */
  #checkEntry(key: string, text: string): void {
    const name = nameOf((JSON.parse(text) as HistoryEntry).entry);
    if (name === undefined) return;
    const first = this.#entries.get(name);
    this.#holds('SQ4', first === undefined, () => `${name} is in a history twice`);
    this.#entries.set(name, key);
  }

  #checkReceipt(address: string, before: string | undefined, after: string | undefined): void {
    if (after === undefined) return;
    const receipt = JSON.parse(after) as TurnReceipt;
    const earlier = before === undefined ? undefined : (JSON.parse(before) as TurnReceipt);
    const isFirst = earlier === undefined || earlier.until <= receipt.at;
    this.#holds('SQ8', isFirst, () => `turn ${receipt.turnId} of ${address} has a second receipt`);
    this.#receipts.set(`${address.slice(SESSION.length)}\0${receipt.turnId}`, receipt);
  }

  #checkStep({ changes }: Batch, address: string, entry: JournalEntry): void {
    const event = entry.event as unknown as SessionEvent;
    if (event.type === 'session.enqueue' && event.draft.nonce.startsWith('wake-')) {
      const { nonce } = event.draft;
      const first = this.#woken.get(nonce);
      this.#holds('SQ6', first === undefined, () => `${nonce} came to ${address} twice`);
      this.#woken.set(nonce, entry.seq);
      this.#holds('SQ6', this.#batches.get(nonce) !== undefined, () => `${address} did not take ${nonce}`);
    }
    if (event.type !== 'claims.complete') return;
    for (const file of event.files ?? []) this.#kept.set(keys.held(address, `h/${entry.seq}`, file), address);
    for (const { batchIds } of event.claims) {
      const left = batchIds.find((id) => this.#shadow.rows.has(keys.payload(address, `b/${nonceOf(id)}`)));
      this.#holds('SQ4', left === undefined, () => `${left} of ${address} was settled, and is still there`);
    }
    const session = address.slice(SESSION.length);
    for (const said of event.history ?? []) {
      const name = nameOf(said);
      const isThere = name === undefined || this.#entries.get(name) !== undefined;
      const rows = changes.filter(({ key }) => key.startsWith(keys.history(session, ''))).length;
      this.#holds('SQ4', isThere, () => `${name} of ${address} is not among ${rows} entries of its commit`);
    }
    if (event.turnId === undefined) return;
    const turn = `${address} ${event.turnId}`;
    const last = this.#commits.get(turn);
    const isFirst = last === undefined || entry.at - last >= RECEIPTS_KEPT_MS;
    this.#holds('SQ8', isFirst, () => `${turn} was committed twice`);
    this.#commits.set(turn, entry.at);
  }

  #checkOutcomes({ before, after }: ActorChange): void {
    const [earlier, later] = [outcomesOf(before), outcomesOf(after)];
    const key = later?.input.sessionKey;
    if (later === undefined || key === undefined) return;
    for (let outcome = (earlier?.outcomes ?? 0) + 1; outcome <= later.outcomes; outcome += 1)
      this.#owed.set(`wake-${later.input.jobId ?? later.input.taskId}-${outcome}`, key);
  }

  #checkTaken(address: string, before: SessionContext, after: SessionContext, claim: ClaimHead): void {
    const { claimId, seqs, claimedAt, fencingToken } = claim;
    const heads = headsOf(before);
    const holders = seqs.map((seq) => holderOf(before, heads.get(seq)));
    const held = holders.find((one) => one !== undefined && isHeld(one, claimedAt));
    this.#holds('SQ2', held === undefined, () => `${claimId} takes what ${held?.claimId} has in ${address}`);
    const ready = [...heads.values()].filter((head) => isReady(before, head, claimedAt));
    const owner = holderOf(before, ready[0])?.claimId;
    const together = owner === undefined ? ready : ready.filter((head) => head.claim === owner);
    const isWhole = owner === undefined || together.length === seqs.length;
    const isHead = isWhole && seqs.length > 0 && seqs.every((seq, index) => seq === together[index]?.seq);
    const order = together.map(({ seq }) => seq).join();
    this.#holds('SQ5', isHead, () => `${claimId} of ${address} has ${seqs.join()}, the queue is ${order}`);
    const claimed = headsOf(after);
    for (const [index, seq] of seqs.entries()) {
      const { nonce = '', counter = 0 } = claimed.get(seq) ?? {};
      const last = this.#tokens.get(nonce) ?? 0;
      const rises = counter > last && (index > 0 || fencingToken === counter);
      this.#holds('SQ3', rises, () => `${claimId} has token ${counter} of ${nonce} after ${last}`);
      this.#tokens.set(nonce, counter);
    }
  }

  #holds(rule: RuleName, isTrue: boolean, what: () => string): void {
    this.#verdict.holds(rule, isTrue, what);
  }
}

function nonceOf(batchId: string): string {
  return batchId.slice(batchId.indexOf('_', 4) + 1);
}

/** What has taken a batch out of its queue: a step of the same write. */
function endingOf(nonce: string, entries: readonly JournalEntry[]): Ending | undefined {
  for (const { event: stored } of entries) {
    const event = stored as unknown as SessionEvent;
    if (event.type === 'claims.complete') {
      const ids = event.claims.flatMap(({ batchIds }) => batchIds);
      if (ids.some((id) => nonceOf(id) === nonce)) return 'settled';
    }
    if (event.type === 'batch.cancel' && nonceOf(event.batchId) === nonce) return 'cancelled';
  }
  return entries.some(({ event }) => event.type === 'message.arrived') ? 'dropped' : undefined;
}

/** What clients name an entry of a history by: each settles with one of its own. */
function nameOf(entry: unknown): string | undefined {
  return (Object(entry) as { readonly op?: string }).op;
}

interface Outcomes {
  readonly outcomes: number;
  readonly input: { readonly jobId?: string; readonly taskId?: string; readonly sessionKey?: string };
}

function outcomesOf(record: ActorRecord | undefined): Outcomes | undefined {
  const { context } = Object(record?.snapshot) as { readonly context?: Outcomes };
  return context;
}

function headsOf({ pages }: SessionContext): ReadonlyMap<number, BatchHead> {
  return new Map(pages.flatMap(({ heads }) => heads.map((head) => [head.seq, head] as const)));
}

function holderOf({ claims }: SessionContext, head: BatchHead | undefined): ClaimHead | undefined {
  return head?.claim === undefined ? undefined : claims[head.claim];
}

/** One of this process holds for as long as it lives, another one for its time. */
function isHeld({ epoch, expiresAt }: ClaimHead, now: number): boolean {
  return epoch !== undefined || expiresAt > now;
}

function isReady(context: SessionContext, head: BatchHead, now: number): boolean {
  const holder = holderOf(context, head);
  if (holder !== undefined && isHeld(holder, now)) return false;
  const isGivenUp = holder !== undefined && (head.attempts ?? 0) + 1 >= context.attemptsMax;
  return head.dead !== true && !isGivenUp && head.availableAt <= now;
}
