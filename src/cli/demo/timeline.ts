/**
 * The timeline: one readable line for each entry of the ledgers that tells something.
 *
 * Owns: what it has to remember to say so (which task is whose, when a submit came in). Callers: driver.ts,
 * tests. Invariants:
 *  1  It says what the ledgers say, with ids, sizes and times; it concludes nothing.
 *  2  Plain text only: colour and cursor are the screen's.
 */
import { fitted, plain } from '../terminal.js';
import type { BillerEntry, DriverEntry, ReceiverEntry } from './facts.js';
import type { Standing } from './phases.js';
import type { Phase, Wanted } from './plan.js';
import { PHASES } from './plan.js';
import type { Seen } from './watch.js';

export interface Line {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly who: 'driver' | 'agent' | 'simulator' | 'receiver';
  readonly job: number | undefined;
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'bad' | 'kill';
}

const WORDS: Readonly<Record<Phase, string>> = {
  intent: 'asked for, not at the provider yet',
  posting: 'between POST and answer',
  downloading: 'in a download',
  delivering: 'in a delivery',
};

export class Timeline {
  readonly #byPrompt: ReadonlyMap<string, Wanted>;
  readonly #jobs: ReadonlyMap<number, Wanted>;
  readonly #standingAt: (at: number) => Standing;
  /** Task → job, from the bills. */
  readonly #tasks = new Map<string, number>();
  /** Exchange → when it began and how much it carries. */
  readonly #begun = new Map<number, { readonly at: number; readonly bytes: number }>();
  readonly #answered = new Set<string>();
  /** The agent's id of a job, which is its key at the provider → the wanted job. */
  readonly #keys = new Map<string, number>();
  readonly #billed = new Set<number>();

  constructor(wanted: readonly Wanted[], standingAt: (at: number) => Standing) {
    this.#byPrompt = new Map(wanted.map((job) => [job.promptSha256, job]));
    this.#jobs = new Map(wanted.map((job) => [job.number, job]));
    this.#standingAt = standingAt;
  }

  /** The line for an entry; undefined when it tells nothing new. */
  lineOf(seen: Seen): Line | undefined {
    switch (seen.from) {
      case 'driver':
        return this.#driverLine(seen.entry);
      case 'receiver':
        return this.#receiverLine(seen.entry);
      case 'simulator':
        return this.#simulatorLine(seen.entry);
    }
  }

  #driverLine(entry: DriverEntry): Line | undefined {
    const { at } = entry;
    const line = (text: string, more: Partial<Line> = {}): Line => ({
      at,
      who: 'driver',
      job: 'job' in entry ? entry.job : undefined,
      text,
      tone: 'plain',
      ...more,
    });
    switch (entry.event) {
      case 'submitted': {
        const job = this.#jobs.get(entry.job);
        const what = `${job?.provider ?? ''} ${job?.kind ?? ''}`;
        if (entry.attempt > 1)
          return line(`asks for it again under the same key ${job?.idempotencyKey ?? ''}`);
        return line(`asks for ${what}: ${fitted(plain(job?.prompt ?? ''), 64)}`);
      }
      case 'acknowledged':
        this.#keys.set(entry.jobId, entry.job);
        return line(`acknowledged ${entry.jobId}${entry.deduplicated ? ' (it had it already)' : ''}`, {
          who: 'agent',
        });
      case 'unacknowledged':
        return line(`no acknowledgement came (${entry.reason})`);
      case 'agent.ready':
        return line(
          `pid ${entry.pid} up in ${entry.afterMs} ms, ${counted(entry.inFlight, 'job')} in flight`,
          {
            who: 'agent',
            tone: 'good',
          },
        );
      case 'killed':
        return line(`SIGKILL #${entry.number} to pid ${entry.pid}: ${this.#struck(at)}`, { tone: 'kill' });
      case 'agent.exited':
        return entry.signal === 'SIGKILL' ? undefined : line(`pid ${entry.pid} ended`, { who: 'agent' });
      case 'ended':
        return entry.reason === 'complete'
          ? undefined
          : line(`stops (${entry.reason}): what is not delivered by now counts as lost`, { tone: 'bad' });
      case 'started':
      case 'agent.started':
        return undefined;
    }
  }

  #struck(at: number): string {
    const standing = this.#standingAt(at);
    const parts = PHASES.filter((phase) => standing[phase].length > 0).map(
      (phase) => `${standing[phase].map((job) => `job ${job}`).join(', ')} ${WORDS[phase]}`,
    );
    return parts.length === 0 ? 'jobs between two steps' : parts.join('; ');
  }

  #receiverLine(entry: ReceiverEntry): Line | undefined {
    const { at, event, deliveryId, attempt, job, files } = entry;
    const line = (text: string, tone: Line['tone']): Line => ({ at, who: 'receiver', job, text, tone });
    const name = shortened(deliveryId, 16);
    if (event === 'delivery.dropped') return line(`sender gone before the answer to ${name}`, 'bad');
    if (event === 'delivery.started') return undefined;
    const isAgain = this.#answered.has(deliveryId);
    this.#answered.add(deliveryId);
    const sizes = files.map(({ bytes }) => (bytes === undefined ? 'no file' : kib(bytes))).join(', ');
    const how = isAgain ? `again under the same id, attempt ${attempt}` : `attempt ${attempt}`;
    return line(`delivered ${name} with ${sizes || 'no file'} (${how})`, 'good');
  }

  #simulatorLine(entry: BillerEntry): Line | undefined {
    const { at, event, taskId = '', fault, status } = entry;
    const job = this.#jobOf(entry);
    const line = (text: string, tone: Line['tone'] = 'plain'): Line => ({
      at,
      who: 'simulator',
      job,
      text,
      tone,
    });
    const answered = `${status ?? ''}${fault === undefined ? '' : ` (scripted: ${fault})`}`;
    switch (event) {
      case 'submit.received':
      case 'download.started':
        this.#begun.set(entry.exchange, { at, bytes: entry.bytes ?? 0 });
        return undefined;
      case 'submit.billed':
        if (job !== undefined) this.#tasks.set(taskId, job);
        this.#billed.add(entry.exchange);
        return line(`POST ${pathOf(entry)} → billed ${shortened(taskId, 14)}`);
      case 'submit.answered':
        return fault === undefined
          ? undefined
          : line(`POST answered ${answered}${this.#unbilled(entry)}`, 'bad');
      case 'submit.dropped':
        return line(`POST not answered: ${endOf(entry)}${this.#unbilled(entry)}`, 'bad');
      case 'lookup':
        return line(
          `GET by our key → ${status === 200 ? `the task is there: ${shortened(taskId, 14)}` : answered}`,
        );
      case 'list':
        return line(`GET /videos → the agent looks for a lost submit`);
      case 'poll':
        return fault === undefined ? undefined : line(`GET ${shortened(taskId, 14)} → ${answered}`, 'bad');
      case 'download.finished':
        return line(`downloaded ${kib(entry.bytes ?? 0)} in ${this.#lasted(entry)} ms`);
      case 'download.aborted': {
        const whole = this.#begun.get(entry.exchange)?.bytes ?? 0;
        return line(`download cut at ${kib(entry.bytes ?? 0)} of ${kib(whole)}: ${endOf(entry)}`, 'bad');
      }
      default:
        return fault === undefined ? undefined : line(`${event}: ${answered}`, 'bad');
    }
  }

  #jobOf(entry: BillerEntry): number | undefined {
    const byPrompt = this.#byPrompt.get(entry.promptSha256 ?? '')?.number;
    return byPrompt ?? this.#tasks.get(entry.taskId ?? '') ?? this.#keys.get(entry.key ?? '');
  }

  #unbilled(entry: BillerEntry): string {
    return this.#billed.has(entry.exchange) ? ', billed all the same' : ', not billed';
  }

  #lasted(entry: BillerEntry): number {
    return entry.at - (this.#begun.get(entry.exchange)?.at ?? entry.at);
  }
}

function endOf(entry: BillerEntry): string {
  if (entry.by === 'fault') return `scripted ${entry.fault ?? 'fault'}`;
  return entry.by === 'shutdown' ? 'the simulator ends' : 'the client is gone';
}

function pathOf(entry: BillerEntry): string {
  if (entry.provider === 'openai') return '/videos';
  return entry.kind === 'image' ? '/v1/images/generations' : '/text-to-video';
}

function kib(bytes: number): string {
  return `${Math.round(bytes / 1_024)} KiB`;
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

export function shortened(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}
