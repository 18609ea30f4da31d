/**
 * One session: work in, claims out, and what is to be seen of it.
 *
 * Owns: nothing; make as many as you like. Callers: users through `runtime.sessions.get`, the doors.
 */
import { HoldfastError } from '../../errors.js';
import {
  askedBy,
  cancellable,
  headOf,
  headsAfter,
  modeDefaults,
  settingsOf,
  takingOf,
} from '../../machines/index.js';
import type {
  BatchHead,
  Boundary,
  ClaimRefusal,
  ModeSettings,
  SessionContext,
  SessionEvent,
} from '../../machines/index.js';
import { checked, invalid } from '../checked.js';
import type { HistoryEntry, Page, PageOptions } from '../kernel/index.js';
import { sourceOf, type OperatorOptions } from '../operator.js';
import { batchSummary, type Batch, type BatchSummary } from './batch.js';
import { Claim, claimed, claimRefusal, newClaim } from './claim.js';
import type { Look, Seen, SessionDesk } from './desk.js';
import { checkedDraft, commandSchema, inputDraft, policiesSchema, wakeSchema } from './drafts.js';
import type {
  CheckedDraft,
  EnqueuePolicies,
  ProcessWakeDraft,
  SessionCommand,
  SessionInputDraft,
  WorkDraft,
} from './drafts.js';
import { checkedChannel, checkedClaim, checkedMode, checkedReceipts, lineOf } from './asked.js';
import type { AskClaim, AskTurn, ModeChange } from './asked.js';
import { loadedBatch, putWork, type Enqueued } from './put.js';
import { abandonReceipts, completeReceipts, renewReceipt } from './settle.js';
import type { AbandonOptions, ClaimReceipt, CompleteOptions, SettledTurn } from './settle.js';
import { beginTurn, type Turn } from './turn.js';
import { sessionView, type SessionView } from './view.js';

/** What a session command was enqueued as. */
export interface CommandReceipt {
  readonly sessionId: string;
  readonly batchId: string;
  readonly sourceKey: string;
}

export interface ListBatches {
  /** What an earlier page returned. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined;
}

/** A text, or items with images; and what it is known by. */
export type Said = string | SessionInputDraft;

export class Session {
  readonly key: string;
  readonly #desk: SessionDesk;

  constructor(desk: SessionDesk, key: string) {
    this.#desk = desk;
    this.key = key;
  }

  /**
   * Puts an input into the queue, for a turn of its own after the running one unless `policies` say
   * otherwise. Resolves when it is on disk. Known by `host:<id>`: repeated while it waits, it changes
   * nothing. Throws INVALID_INPUT, SESSION_QUEUE_FULL, SOURCE_KEY_CONFLICT.
   */
  async enqueue(input: Said, policies: EnqueuePolicies = {}): Promise<Enqueued> {
    const draft = inputDraft(input, 'host', () => this.#newId('input'));
    const { sourceKey = draft.sourceKey } = policies;
    return this.#enqueue({ ...draft, ...checked(policiesSchema, policies), sourceKey });
  }

  /** Puts an input where the running turn takes it at its next safe boundary; known by `injection:<id>`. */
  async inject(input: Said): Promise<Enqueued> {
    return this.#enqueue(inputDraft(input, 'injection', () => this.#newId('input')));
  }

  /**
   * Tells the next turn, or the running one at its next boundary, what became of a process. Throws
   * WAKE_HANDLED for one at or below the highest wake of its process that was settled.
   */
  async wake(wake: ProcessWakeDraft): Promise<Enqueued> {
    const { targetSessionId = this.key, ...rest } = checked(wakeSchema, wake);
    const { processId, sequence } = rest;
    return this.enqueueDraft({
      payloads: [{ type: 'processWake', ...rest, targetSessionId }],
      deliver: 'earliestSafeBoundary',
      sourceKey: `process:${processId}:event:${sequence}:wake`,
    });
  }

  /** A command for the session itself: taken alone, before any turn. `key` names it. */
  async command(command: SessionCommand, key: string): Promise<CommandReceipt> {
    const { kind } = checked(commandSchema, command);
    if (key === '') throw invalid('key', 'is empty');
    const sourceKey = `command:${kind}:${key}`;
    const draft = { payloads: [{ type: 'sessionCommand', command } as const], sourceKey };
    const { batch } = await this.enqueueDraft(draft);
    return { sessionId: this.key, batchId: batch.batchId, sourceKey };
  }

  /** Puts any work into the queue, with policies of its own. */
  async enqueueDraft(draft: WorkDraft): Promise<Enqueued> {
    return this.#enqueue(checkedDraft(draft));
  }

  /**
   * A message under the queue mode of its channel: see `mode`. Known by `host:<id>`. Throws
   * SESSION_QUEUE_FULL when as many wait as may, and newer ones are dropped.
   */
  async message(input: Said, options: { readonly channel?: string } = {}): Promise<Enqueued> {
    const channel = checkedChannel(options.channel ?? '');
    const draft = inputDraft(input, 'host', () => this.#newId('input'));
    const line = lineOf(draft.payloads);
    return putWork(this.#desk, this.key, draft, (head) => ({
      type: 'message.arrived',
      draft: head,
      channel,
      line,
    }));
  }

  /**
   * Sets the queue mode, of the session or of one channel, and tells it; what is not given stays. Without
   * settings it only tells. Holds for the next message on.
   */
  async mode({ channel, ...change }: ModeChange = {}): Promise<ModeSettings> {
    const settings = checkedMode({ ...change, ...(channel === undefined ? {} : { channel }) });
    const event = { type: 'mode.set', settings, ...(channel === undefined ? {} : { channel }) } as const;
    const isChange = Object.keys(settings).length > 0;
    const seen = isChange ? await this.#desk.tell(this.key, event) : await this.#desk.look(this.key);
    return seen === undefined ? modeDefaults : settingsOf(seen.context, channel ?? '');
  }

  /**
   * Claims what is at the head, by the selection rule. Held in this process it lasts as long as the process
   * does; with `hold: 'lease'`, for those elsewhere, until its time to live is over. A claim that finds
   * nothing is empty, says why, and wrote nothing.
   */
  claim(asked: AskClaim = {}): Promise<Claim> {
    return this.#claim(asked, 'turn');
  }

  /** Claims a leading session command, alone. */
  claimCommand(asked: Omit<AskClaim, 'max'> = {}): Promise<Claim> {
    return this.#claim(asked, 'command');
  }

  /** Claims exactly these batches, in this order, if the ordinary claim would take them; else nothing. */
  async claimByIds(batchIds: readonly string[], asked: Omit<AskClaim, 'max'> = {}): Promise<Claim> {
    if (batchIds.length === 0) return new Claim(this.#desk, this.key, { refusal: 'nothingAsked' });
    return this.#claim(asked, 'turn', batchIds);
  }

  /**
   * Begins a turn on what is at the head, a leading command included; `isEmpty`, with its `refusal`, when
   * there is nothing or a turn runs already. Throws INVALID_INPUT, TURN_OVER for a `turnId` that has ended.
   */
  turn(asked: AskTurn = {}): Promise<Turn> {
    return beginTurn(this.#desk, this.key, asked);
  }

  /** Settles claims by their receipts, wherever they were kept; all of them or none. As `claim.complete`. */
  async settle(receipts: readonly ClaimReceipt[], options: CompleteOptions = {}): Promise<SettledTurn> {
    return completeReceipts(this.#desk, this.key, this.#own(receipts), options);
  }

  /** Gives claims back by their receipts, all of them or none. As `claim.abandon`. */
  async giveBack(receipts: readonly ClaimReceipt[], options: AbandonOptions): Promise<boolean> {
    return abandonReceipts(this.#desk, this.key, this.#own(receipts), options);
  }

  /**
   * Makes a lease last for its time to live from now, by its receipt; tells until when, in epoch ms. As
   * `claim.renew`.
   */
  async renew(receipt: ClaimReceipt): Promise<number> {
    const [held] = this.#own([receipt]);
    if (held === undefined) throw invalid('receipt', 'the claim it is of is empty');
    return renewReceipt(this.#desk, this.key, held);
  }

  /** Takes a batch out of the queue and returns it; undefined when it is claimed or gone. */
  async cancel(batchId: string, by?: OperatorOptions): Promise<Batch | undefined> {
    const sent = sourceOf(by);
    const seen = await this.#desk.look(this.key);
    const head = seen && cancellable(seen.context, batchId, seen.at);
    if (seen === undefined || head === undefined) return undefined;
    // Read first: the step that cancels deletes it. Nobody changes it meanwhile.
    const batch = await this.#batch(seen.context, head, seen.at);
    const event = { type: 'batch.cancel', batchId } as const;
    const look: Look<'gone'> = ({ context, at }) =>
      cancellable(context, batchId, at) === undefined ? 'gone' : undefined;
    const asked = await this.#desk.ask(this.key, event, look, sent);
    return 'seen' in asked ? batch : undefined;
  }

  /** One batch. Throws BATCH_NOT_FOUND when it is settled, cancelled or another session's. */
  async batch(batchId: string): Promise<Batch> {
    const { context, at } = await this.#seen();
    const head = headOf(context, batchId);
    const [batch] = head === undefined ? [] : await this.#there([await this.#batch(context, head, at)]);
    if (batch === undefined) throw batchNotFound(this.key, batchId);
    return batch;
  }

  /** Makes a dead letter claimable again, in its old place. Throws BATCH_NOT_FOUND, BATCH_NOT_RETRYABLE. */
  async retry(batchId: string, by?: OperatorOptions): Promise<void> {
    await this.#desk.ask(
      this.key,
      { type: 'batch.retry', batchId },
      ({ context, at }) => {
        const head = headOf(context, batchId);
        if (head === undefined) throw batchNotFound(this.key, batchId);
        const { state } = batchSummary(context, head, at);
        if (state === 'dead') return undefined;
        const message = `batch ${batchId} of session ${this.key} is ${state}`;
        throw new HoldfastError('BATCH_NOT_RETRYABLE', message, { details: { batchId, state } });
      },
      { create: false, ...sourceOf(by) },
    );
  }

  /** Ends a rest after a failed turn at once. */
  async resume(by?: OperatorOptions): Promise<void> {
    await this.#desk.tell(this.key, { type: 'session.resume' }, { create: false, ...sourceOf(by) });
  }

  /** All batches in `seq` order, with their states and payloads. */
  list(options: ListBatches = {}): Promise<Page<Batch>> {
    return this.#list(options, () => true);
  }

  /** The same without those that a live claim holds. */
  pending(options: ListBatches = {}): Promise<Page<Batch>> {
    return this.#list(options, ({ state }) => state !== 'claimed');
  }

  /** What a turn at that boundary finds at the head, or why it finds nothing. Reads no payload. */
  async head(boundary: Boundary = 'idle'): Promise<Pick<Claim, 'refusal' | 'batches'>> {
    const seen = await this.#desk.look(this.key);
    if (seen === undefined) return { refusal: 'empty', batches: [] };
    const { context, at } = seen;
    const claim = newClaim(this.#desk, { ...checkedClaim({ boundary, max: 1 }), wanted: 'turn' });
    const type = boundary === 'idle' ? 'turn.begin' : 'turn.checkpoint';
    const event = { type, claim, turnId: '', $: { at } } as SessionEvent;
    const taking = takingOf(context, askedBy(context, event) ?? claim, at);
    if (taking.type === 'refused') return { refusal: taking.reason, batches: [] };
    return { refusal: undefined, batches: taking.heads.map((head) => batchSummary(context, head, at)) };
  }

  /** The session as a whole: its turn, its mode, how much waits. Throws ACTOR_NOT_FOUND. */
  async view(): Promise<SessionView> {
    return sessionView(this.key, await this.#seen());
  }

  /** What was written into the conversation, oldest first unless `newestFirst`. */
  history(options?: PageOptions): Promise<Page<HistoryEntry>> {
    return this.#desk.options.kernel.reader.history(this.key, options);
  }

  #enqueue(draft: CheckedDraft): Promise<Enqueued> {
    const { onConflict } = draft;
    return putWork(this.#desk, this.key, draft, (head) => ({
      type: 'session.enqueue',
      draft: head,
      onConflict,
    }));
  }

  async #claim(asked: AskClaim, wanted: 'turn' | 'command', batchIds?: readonly string[]): Promise<Claim> {
    const claim = newClaim(this.#desk, { ...checkedClaim(asked), wanted, batchIds });
    const look: Look<ClaimRefusal> = (seen) => claimRefusal(this.key, seen, claim);
    const event = { type: 'claim.take', claim } as const;
    const taken = await this.#desk.askIfThere(this.key, event, look, { absent: 'empty' });
    if ('answer' in taken) return new Claim(this.#desk, this.key, { refusal: taken.answer });
    return claimed(this.#desk, this.key, taken.seen, claim.claimId);
  }

  async #list(
    { cursor, limit = 100 }: ListBatches,
    matches: (batch: BatchSummary) => boolean,
  ): Promise<Page<Batch>> {
    const after = cursor === undefined ? 0 : Number(cursor);
    if (!Number.isSafeInteger(after)) throw invalid('cursor', 'this listing never returned it');
    const max = Math.min(Math.max(1, limit), 1_000);
    const seen = await this.#desk.look(this.key);
    if (seen === undefined) return { items: [] };
    const { context, at } = seen;
    const wanted: BatchHead[] = [];
    for (const head of headsAfter(context.pages, after)) {
      if (!matches(batchSummary(context, head, at))) continue;
      wanted.push(head);
      if (wanted.length > max) break;
    }
    const page = wanted.slice(0, max);
    const items = await this.#there(await Promise.all(page.map((head) => this.#batch(context, head, at))));
    const last = page.at(-1);
    return wanted.length > max && last !== undefined ? { items, cursor: String(last.seq) } : { items };
  }

  /** Without those that ended while their payloads were read; one that has lost its own is still there. */
  async #there(batches: readonly Batch[]): Promise<readonly Batch[]> {
    if (batches.every(({ items }) => items.length > 0)) return batches;
    const seen = await this.#desk.look(this.key);
    const isThere = (id: string): boolean => seen !== undefined && headOf(seen.context, id) !== undefined;
    return batches.filter(({ batchId, items }) => items.length > 0 || isThere(batchId));
  }

  async #batch(context: SessionContext, head: BatchHead, at: number): Promise<Batch> {
    return loadedBatch(this.#desk, this.key, { context, at }, head);
  }

  async #seen(): Promise<Seen> {
    const seen = await this.#desk.look(this.key);
    if (seen === undefined) throw new HoldfastError('ACTOR_NOT_FOUND', `there is no session ${this.key}`);
    return seen;
  }

  /** Receipts of this session, without those of empty claims. */
  #own(receipts: readonly ClaimReceipt[]): readonly ClaimReceipt[] {
    const held = checkedReceipts(receipts);
    const foreign = held.find(({ sessionId }) => sessionId !== this.key);
    if (foreign === undefined) return held;
    throw invalid('sessionId', `a receipt is of session ${foreign.sessionId}`);
  }

  #newId(prefix: string): string {
    return this.#desk.options.newId(prefix);
  }
}

function batchNotFound(key: string, batchId: string): HoldfastError {
  const message = `session ${key} has no batch ${batchId}`;
  return new HoldfastError('BATCH_NOT_FOUND', message, { details: { batchId } });
}
