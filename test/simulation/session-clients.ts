/**
 * Who uses sessions: says things, claims and works on what is there, settles it, too late and twice as well.
 *
 * Owns: what was claimed, by whom, and what became of it. Callers: the deeds of sessions, the world's rest.
 * Invariants:
 *  U1  Nobody uses sessions before what earlier processes held is free, as no caller of a runtime can.
 *  U2  What an owner of a dead process held it may settle still, by its receipts.
 */
import type { Claim } from '../../src/actors/session/claim.js';
import type { Enqueued } from '../../src/actors/session/put.js';
import type { Session } from '../../src/actors/session/session.js';
import type { ClaimReceipt, CompleteOptions, SettledTurn } from '../../src/actors/session/settle.js';
import type { Turn } from '../../src/actors/session/turn.js';
import type { Sessions } from '../../src/actors/sessions.js';
import { isHoldfastError } from '../../src/errors.js';
import type { Process } from './process.js';
import type { RulesOfSessions } from './rules-of-sessions.js';
import type { Verdict } from './verdict.js';

/** What somebody was given to work on. */
export interface Held {
  readonly number: number;
  readonly key: string;
  readonly work: Claim | Turn;
  /** A lease may be lost to its time; nobody may take what is held in a living process. */
  readonly isLease: boolean;
  process: Process;
  /** `kept`: nobody has ended it. */
  state: 'kept' | 'ending' | 'settled' | 'over';
  /** What it was settled with, for who does it again. */
  readonly completion: CompleteOptions;
}

/** Answers of a runtime that is not there, has too much to do, or not any more. */
const ELSEWHERE = ['STORE_FAILED', 'RUNTIME_CLOSED', 'KIND_UNKNOWN', 'MAILBOX_FULL', 'COMMITS_BEHIND'];
/** Answers about the session that a careless owner must expect. */
const REFUSALS = [
  'WAKE_HANDLED',
  'SESSION_QUEUE_FULL',
  'SOURCE_KEY_CONFLICT',
  'ACTOR_NOT_FOUND',
  'BATCH_NOT_FOUND',
  'BATCH_NOT_RETRYABLE',
  'CLAIM_SUPERSEDED',
  'TURN_COMMIT_CONFLICT',
  'TURN_INTERRUPTED',
  'TURN_OVER',
];

const HELD_MAX = 60;
/** So long that the next step keeps a checkpoint. */
const LONG_WORDS = 14_000;

export class SessionClients {
  readonly #verdict: Verdict;
  readonly #rules: RulesOfSessions;
  #sessions: Sessions | undefined;
  #process: Process | undefined;
  #held: Held[] = [];
  #count = 0;

  constructor(verdict: Verdict, rules: RulesOfSessions) {
    this.#verdict = verdict;
    this.#rules = rules;
  }

  /** What was claimed lately, oldest first. */
  get held(): readonly Held[] {
    return this.#held;
  }

  /** Frees what earlier processes held; from then on sessions are used. */
  async recover(process: Process, sessions: Sessions): Promise<void> {
    await sessions.recover();
    this.#sessions = sessions;
    this.#process = process;
  }

  /** The process is over. */
  abandon(): void {
    this.#sessions = undefined;
    this.#process = undefined;
  }

  /** True when they may be used now. */
  get isOpen(): boolean {
    return this.#sessions !== undefined && this.#process?.isRunning === true;
  }

  isLiving({ process }: Held): boolean {
    return process === this.#process;
  }

  /** Puts something into a queue. */
  put(key: string, run: (session: Session) => Promise<Enqueued>): void {
    this.use(key, run, ({ batch, deduplicated }) => {
      if (batch.state !== 'settled' || !deduplicated) this.#rules.taken(key, batch.batchId);
    });
  }

  claim(key: string, isLease: boolean, run: (session: Session) => Promise<Claim>): void {
    this.use(key, run, (claim) => {
      if (!claim.isEmpty) this.#hold(key, claim, isLease);
    });
  }

  begin(key: string, run: (session: Session) => Promise<Turn>): void {
    this.use(key, run, (turn) => {
      if (turn.isEmpty) return;
      for (const { id, message } of turn.acceptedInputs())
        this.#verdict.holds('SQ1', isSaid(id, message.content), () => `${id} of ${key} says something else`);
      this.#hold(key, turn, false);
    });
  }

  checkpoint(held: Held): void {
    const { work, key } = held;
    if (!('checkpoint' in work)) return;
    const wasOpen = this.#isSafe(held);
    this.use(
      key,
      () => work.checkpoint(),
      (taken) => this.#checkAlone(held, taken.isEmpty ? [] : work.completion()),
      (code) => this.#checkKept(held, wasOpen, code),
    );
  }

  /** Settles what is held, again where it was; with something else than before, it may be. */
  settle(held: Held, completion: CompleteOptions = held.completion): void {
    const { key } = held;
    const wasOpen = this.#isSafe(held);
    if (held.state === 'kept') held.state = 'ending';
    this.use(
      key,
      (session) => this.#ask(held, session, completion),
      (settled) => {
        held.state = 'settled';
        this.#rules.settled(key, settled);
      },
      (code) => {
        const isLost = code === 'CLAIM_SUPERSEDED' && this.#rules.hasReceipt(key, completion.turnId);
        this.#verdict.holds('SQ7', !isLost, () => `${key} has forgotten turn ${completion.turnId}`);
        this.#checkKept(held, wasOpen, code);
      },
    );
  }

  giveBack(held: Held, retryInMs: number | undefined): void {
    const wasOpen = this.#isSafe(held);
    if (held.state === 'kept') held.state = 'ending';
    this.use(
      held.key,
      () => held.work.abandon({ reason: 'simulated', ...(retryInMs === undefined ? {} : { retryInMs }) }),
      (isGiven) => {
        // An interruption has ended it where it met this: there was nothing to give back any more.
        const isLost = !isGiven && !this.#rules.wasInterrupted(held.key, held.completion.turnId);
        if (isLost) this.#checkKept(held, wasOpen, 'CLAIM_SUPERSEDED');
        if (held.state === 'ending') held.state = 'over';
      },
      (code) => this.#checkKept(held, wasOpen, code),
    );
  }

  /** Asks a session; whoever asked a process that is over hears nothing. */
  use<Answer>(
    key: string,
    run: (session: Session) => Promise<Answer>,
    told: (answer: Answer) => void,
    refused: (code: string) => void = () => undefined,
  ): void {
    const process = this.#process;
    if (this.#sessions === undefined || process === undefined) return;
    const isHeard = (): boolean => process === this.#process && process.state !== 'dead';
    run(this.#sessions.get(key)).then(
      (answer) => {
        if (isHeard()) told(answer);
      },
      (error: unknown) => {
        if (!isHeard()) return;
        const code = isHoldfastError(error) ? error.code : String(error);
        const isExpected = ELSEWHERE.includes(code) || REFUSALS.includes(code);
        this.#verdict.holds('K11', isExpected, () => `session ${key} got ${code}: ${String(error)}`);
        if (!ELSEWHERE.includes(code)) refused(code);
      },
    );
  }

  #ask(held: Held, session: Session, completion: CompleteOptions): Promise<SettledTurn> {
    const { work } = held;
    // Its owner died: what is left are its receipts.
    if (!this.isLiving(held)) return session.settle(receiptsOf(work), completion);
    if ('complete' in work) return work.complete(completion);
    const { turnId: _own, commitHash: _made, ...rest } = completion;
    return work.commit(rest);
  }

  #hold(key: string, work: Claim | Turn, isLease: boolean): void {
    const process = this.#process;
    if (process === undefined) return;
    this.#count += 1;
    const number = this.#count;
    const turnId = 'turnId' in work ? work.turnId : `own${number}`;
    const isNamed = 'turnId' in work || number % 3 > 0;
    const completion: CompleteOptions = {
      ...(isNamed ? { turnId, commitHash: `hash${number}` } : {}),
      history: [
        { role: 'assistant', content: 'done '.repeat(number % 3 === 0 ? LONG_WORDS : 1), op: `op${number}` },
      ],
      ...(number % 5 === 0
        ? { deliveries: [{ deliveryId: `said${number}`, channel: 'chat', target: 'chat0', text: 'done' }] }
        : {}),
    };
    const held: Held = { number, key, work, isLease, process, state: 'kept', completion };
    this.#checkAlone(held, receiptsOf(work));
    this.#held = [...this.#held.slice(-HELD_MAX), held];
    if (!('signal' in work)) return;
    work.signal.addEventListener('abort', () => {
      if (held.state === 'kept') held.state = 'over';
    });
  }

  /** Nobody else in this process has any of it. */
  #checkAlone(held: Held, receipts: readonly ClaimReceipt[]): void {
    const ids = new Set(receipts.flatMap(({ batchIds }) => batchIds));
    for (const id of ids) this.#rules.taken(held.key, id);
    const others = this.#held.filter(
      (other) => other !== held && other.key === held.key && this.#isSafe(other),
    );
    const other = others.find(({ work }) => batchIdsOf(work).some((id) => ids.has(id)));
    this.#verdict.holds('SQ2', other === undefined, () => `${held.number} has what ${other?.number} has`);
  }

  /** True for what nobody may take: its owner lives, and has not let go of it. */
  #isSafe({ state, isLease, process }: Held): boolean {
    return state === 'kept' && !isLease && process === this.#process;
  }

  #checkKept({ number, key }: Held, wasOpen: boolean, code: string): void {
    const isLost = wasOpen && (code === 'CLAIM_SUPERSEDED' || code === 'TURN_OVER');
    this.#verdict.holds('SQ2', !isLost, () => `${number} of ${key} was lost by its living owner: ${code}`);
  }
}

function receiptsOf(work: Claim | Turn): readonly ClaimReceipt[] {
  const receipts = work.completion();
  return 'claimId' in receipts ? [receipts] : receipts;
}

function batchIdsOf(work: Claim | Turn): readonly string[] {
  return receiptsOf(work).flatMap(({ batchIds }) => batchIds);
}

/** Texts are named by what is known of them: see the deeds. */
function isSaid(id: string, content: unknown): boolean {
  return !/^u\d+$/.test(id) || JSON.stringify(content).includes(`said ${id}`);
}
