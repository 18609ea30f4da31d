/**
 * What the driver and the receiver write down, each in a ledger of its own: one JSON object a line.
 *
 * Owns: the two forms, and the two ways to a ledger file: `LedgerFile` adds lines, `LedgerTail` follows them.
 * Callers: the demo's processes and verdict. Invariants:
 *  L1  An entry is in the file before its writer goes on: a killed writer loses nothing that it acted on.
 *  L2  A torn last line is never read.
 *  L3  Each file has one writer; whoever reads it changes nothing.
 */
import { closeSync, existsSync, openSync, readSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { HoldfastError } from '../../errors.js';

const at = z.number();
/** The number of a wanted job, from 1. */
const job = z.int().min(1);

export const driverEntry = z
  .discriminatedUnion('event', [
    z.object({ at, event: z.literal('started'), seed: z.int() }),
    /** The request is about to be written to the agent's control socket. */
    z.object({ at, event: z.literal('submitted'), job, attempt: z.int() }),
    z.object({ at, event: z.literal('acknowledged'), job, jobId: z.string(), deduplicated: z.boolean() }),
    z.object({ at, event: z.literal('unacknowledged'), job, reason: z.string() }),
    z.object({ at, event: z.literal('agent.started'), pid: z.int() }),
    z.object({ at, event: z.literal('agent.ready'), pid: z.int(), inFlight: z.int(), afterMs: z.number() }),
    /** The moment right before SIGKILL was sent. */
    z.object({ at, event: z.literal('killed'), number: z.int(), pid: z.int(), aim: z.string() }),
    z.object({
      at,
      event: z.literal('agent.exited'),
      pid: z.int(),
      code: z.int().nullable(),
      signal: z.string().nullable(),
    }),
    z.object({ at, event: z.literal('ended'), reason: z.enum(['complete', 'timeout', 'interrupted']) }),
  ])
  .readonly();
export type DriverEntry = z.output<typeof driverEntry>;

const receivedFile = z.object({
  path: z.string(),
  /** Of the file as the receiver found it on disk; absent when it found none. */
  sha256: z.string().optional(),
  bytes: z.int().optional(),
});

export const receiverEntry = z
  .object({
    at,
    event: z.enum([
      /** The whole message is in. */
      'delivery.started',
      /** The answer left for a sender that was still there. */
      'delivery.answered',
      /** The sender was gone before its answer. */
      'delivery.dropped',
    ]),
    /** Ties the entries of one request together. */
    exchange: z.int(),
    deliveryId: z.string(),
    attempt: z.int(),
    job,
    files: z.array(receivedFile).readonly(),
  })
  .readonly();
export type ReceiverEntry = z.output<typeof receiverEntry>;

/**
 * What the timeline and the aim read of the simulator's ledger while it grows; the verdict reads all of
 * it.
 */
export const billerEntry = z
  .object({
    at,
    event: z.string(),
    provider: z.string(),
    exchange: z.int(),
    taskId: z.string().optional(),
    key: z.string().optional(),
    kind: z.string().optional(),
    promptSha256: z.string().optional(),
    bytes: z.number().optional(),
    status: z.int().optional(),
    fault: z.string().optional(),
    by: z.string().optional(),
  })
  .readonly();
export type BillerEntry = z.output<typeof billerEntry>;

/** The writing end of a ledger. */
export class LedgerFile<Entry> {
  readonly #descriptor: number;

  constructor(file: string) {
    this.#descriptor = openSync(file, 'a');
  }

  append(entry: Entry): void {
    writeSync(this.#descriptor, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

const READ_BYTES = 65_536;

/** The reading end: each `read` gives what was added since the one before. */
export class LedgerTail<Entry> {
  readonly #file: string;
  readonly #form: z.ZodType<Entry>;
  readonly #decoder = new StringDecoder('utf8');
  readonly #all: Entry[] = [];
  #descriptor: number | undefined;
  #torn = '';

  constructor(file: string, form: z.ZodType<Entry>) {
    this.#file = file;
    this.#form = form;
  }

  /** Everything read so far. */
  get all(): readonly Entry[] {
    return this.#all;
  }

  read(): readonly Entry[] {
    if (this.#descriptor === undefined && !existsSync(this.#file)) return [];
    this.#descriptor ??= openSync(this.#file, 'r');
    const lines = (this.#torn + this.#rest(this.#descriptor)).split('\n');
    this.#torn = lines.pop() ?? '';
    const added = lines.map((line) => this.#parse(line));
    this.#all.push(...added);
    return added;
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #rest(descriptor: number): string {
    const buffer = Buffer.alloc(READ_BYTES);
    let text = '';
    for (let bytes = READ_BYTES; bytes === READ_BYTES;) {
      bytes = readSync(descriptor, buffer);
      text += this.#decoder.write(buffer.subarray(0, bytes));
    }
    return text;
  }

  #parse(line: string): Entry {
    const parsed = this.#form.safeParse(jsonOf(line));
    if (parsed.success) return parsed.data;
    throw new HoldfastError('INVALID_INPUT', `a line of ${this.#file} is not a ledger entry`, {
      cause: parsed.error,
    });
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** All entries of a ledger file that exists; none when it was never begun. */
export function readEntries<Entry>(file: string, form: z.ZodType<Entry>): readonly Entry[] {
  const tail = new LedgerTail(file, form);
  tail.read();
  tail.close();
  return tail.all;
}
