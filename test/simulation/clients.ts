/**
 * Who calls the runtime from outside: sends, creates, waits, and tries again under the same id when it is not
 * told what became of a call.
 *
 * Owns: what was asked for and what was answered. Callers: actions, the oracle. Invariants:
 *  C1  A call is answered once, or its process is over.
 *  C2  What a dead or failed process did not answer is asked again, of the next one.
 */
import type { Outcome } from '../../src/actors/kernel/index.js';
import { isHoldfastError } from '../../src/errors.js';
import type { Json, JsonObject } from '../../src/json.js';
import type { Process } from './process.js';

export interface Call {
  readonly number: number;
  readonly address: string;
  readonly id: string | undefined;
  readonly what: CallWhat;
  /** The process it was made of last. */
  process: Process | undefined;
  state: 'open' | 'accepted' | 'ignored' | 'refused' | 'unknown';
  /** When it was made, or made again, among all calls. */
  order: number;
  /** Of the answer. */
  seq: number;
  tries: number;
}

export type CallWhat =
  | { readonly type: 'create'; readonly input: Json; readonly payloads?: Readonly<Record<string, Json>> }
  | { readonly type: 'send'; readonly event: JsonObject & { readonly type: string }; readonly at?: number }
  | { readonly type: 'operate'; readonly operation: 'resume' | 'skip' | 'dismiss' };

export interface ClientsListener {
  readonly answered: (call: Call, outcome: Outcome) => void;
  readonly refused: (call: Call, code: string) => void;
}

/** Answers that say what became of the call: it need not be repeated. */
const FINAL = new Set([
  'ACTOR_NOT_FOUND',
  'ACTOR_QUARANTINED',
  'ACTOR_NOT_QUARANTINED',
  'ACTOR_FAILED',
  'NOT_UNIQUE',
  'MAILBOX_FULL',
  'COMMITS_BEHIND',
]);
/** Answers of a runtime that is not there, or not any more. */
const LATER = new Set(['STORE_FAILED', 'RUNTIME_CLOSED', 'KIND_UNKNOWN']);

const CALLS_KEPT_MAX = 300;

export class Clients {
  readonly #listener: ClientsListener;
  #calls: Call[] = [];
  #count = 0;
  #orders = 0;

  constructor(listener: ClientsListener) {
    this.#listener = listener;
  }

  get calls(): readonly Call[] {
    return this.#calls;
  }

  /** Makes a call; the answer comes to the listener. */
  call(process: Process, address: string, what: CallWhat, id?: string): Call {
    this.#count += 1;
    const call: Call = {
      number: this.#count,
      address,
      id,
      what,
      process: undefined,
      state: 'unknown',
      order: 0,
      seq: 0,
      tries: 0,
    };
    this.#calls.push(call);
    if (this.#calls.length > 2 * CALLS_KEPT_MAX) this.#forgetSome();
    this.repeat(process, call);
    return call;
  }

  /** Makes a call again, under its id. */
  repeat(process: Process, call: Call): void {
    call.process = process;
    call.state = 'open';
    call.tries += 1;
    this.#orders += 1;
    call.order = this.#orders;
    this.#ask(process, call).then(
      (outcome) => {
        if (call.process !== process || process.state === 'dead') return;
        call.state = outcome.accepted ? 'accepted' : 'ignored';
        call.seq = outcome.seq;
        this.#listener.answered(call, outcome);
      },
      (error: unknown) => {
        if (call.process !== process || process.state === 'dead') return;
        const code = isHoldfastError(error) ? error.code : String(error);
        call.state = FINAL.has(code) ? 'refused' : 'unknown';
        this.#listener.refused(call, FINAL.has(code) || LATER.has(code) ? '' : code);
      },
    );
  }

  /** What a process that is over leaves open. */
  abandon(process: Process): void {
    for (const call of this.#calls)
      if (call.state === 'open' && call.process === process) call.state = 'unknown';
  }

  /** Calls nobody knows the fate of, that may be repeated. */
  unknown(): Call[] {
    return this.#calls.filter(
      ({ state, id, what }) => state === 'unknown' && (id !== undefined || what.type === 'create'),
    );
  }

  #ask({ kernel }: Process, { address, id, what }: Call): Promise<Outcome> {
    switch (what.type) {
      case 'create': {
        const slash = address.indexOf('/');
        const { payloads } = what;
        const options = payloads === undefined ? {} : { payloads };
        return kernel.create(address.slice(0, slash), address.slice(slash + 1), what.input, options);
      }
      case 'send': {
        const { at } = what;
        return kernel.send(address, what.event, {
          ...(id !== undefined && { id }),
          ...(at !== undefined && { at }),
        });
      }
      case 'operate':
        return kernel.operate(what.operation, address, 'simulated');
    }
  }

  #forgetSome(): void {
    const recent = this.#calls.length - CALLS_KEPT_MAX;
    this.#calls = this.#calls.filter(
      ({ state }, index) => index >= recent || state === 'open' || state === 'unknown',
    );
  }
}
