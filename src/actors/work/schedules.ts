/**
 * Schedules: work that comes again and again, by its name.
 *
 * Owns: actors of kind `schedule` and their effects. Callers: the work façade. Invariants:
 *  1  A schedule that is asked for as it is writes nothing; asked for otherwise, it is changed and keeps what
 *     became of its runs.
 *  2  A run becomes one item, however often it is enqueued: the item's id is made of the schedule's origin
 *     and the run's number.
 *  3  What a removed schedule leaves behind has no part in a later one of its name.
 */
import { fromPromise } from 'xstate';
import type { AnyMachineSnapshot } from 'xstate';
import { z } from 'zod';
import type { Clock } from '../../clock.js';
import { HoldfastError, isBusy, isEndOfWriting, isHoldfastError } from '../../errors.js';
import { stableId } from '../../ids.js';
import { canonicalJson, type Json, type JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { scheduleMachine, scheduleRows } from '../../machines/index.js';
import type {
  EnqueueRunAnswer,
  EnqueueRunInput,
  NewSchedule,
  PlanAnswer,
  PlanInput,
  ScheduleContext,
  ScheduleInput,
  ScheduleRun,
} from '../../machines/index.js';
import { checked, text } from '../checked.js';
import { scheduleDefinition } from '../house-machines.js';
import { EffectDeferred, type Kernel, type Page, type PageOptions } from '../kernel/index.js';
import { unlessBad } from '../one-of-many.js';
import { sourceOf, type OperatorOptions } from '../operator.js';
import { ATTEMPTS_MAX, kindName, PRIORITY_MAX } from './asked.js';
import { cadenceOf, nextAfter } from './cadence.js';
import type { Enqueueing } from './enqueue.js';
import type { ScheduleOptions, ScheduleView } from './face.js';

export interface SchedulesOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  readonly items: Pick<Enqueueing, 'enqueueAs' | 'payloadOf'>;
}

const KIND = 'schedule';
const NAME_CHARS_MAX = 200;
/** Somebody else may make, change or remove it at the same time. */
const TRIES_MAX = 8;

const nameSchema = z.object({
  name: text(NAME_CHARS_MAX).refine(
    (name) => Buffer.byteLength(name) <= limits.idBytesMax,
    `is over ${limits.idBytesMax} bytes`,
  ),
});

const optionsSchema = z.strictObject({
  cron: z.unknown().optional(),
  every: z.unknown().optional(),
  timezone: z.unknown().optional(),
  kind: kindName,
  payload: z.unknown().optional(),
  priority: z.int().min(0).max(PRIORITY_MAX).optional(),
  attemptsMax: z.int().min(1).max(ATTEMPTS_MAX).optional(),
  catchUp: z.enum(['skip', 'once']).optional(),
  overlap: z.enum(['skip', 'allow']).optional(),
});

const listing = z.strictObject({
  cursor: z.string().optional(),
  limit: z.int().min(1).max(limits.scanPageRows).optional(),
  newestFirst: z.boolean().optional(),
});

interface Wanted {
  readonly input: ScheduleInput;
  readonly payload: Json;
}

interface Found extends Wanted {
  readonly snapshot: AnyMachineSnapshot;
}

export class Schedules {
  readonly #options: SchedulesOptions;
  /** False in a directory that nobody runs: what was removed is on its way out until a process does. */
  #isRun = false;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    const plan = fromPromise<PlanAnswer, PlanInput>(({ input }) => Promise.resolve(nextAfter(input)));
    const enqueue = fromPromise<EnqueueRunAnswer, EnqueueRunInput>(({ input }) => this.#enqueue(input));
    options.kernel.define({
      ...scheduleDefinition,
      machine: scheduleMachine.provide({ actors: { plan, enqueue } }),
      effects: { plan: { limit: limits.schedulesAtOnce }, enqueue: { limit: limits.schedulesAtOnce } },
    });
  }

  /** Call once the kernel has started. */
  recover(): void {
    this.#isRun = true;
  }

  /** Throws INVALID_INPUT naming the field. */
  async schedule(name: string, options: ScheduleOptions): Promise<ScheduleView> {
    const address = addressOf(name);
    const wanted = await this.#wanted(name, options);
    for (let tried = 0; tried < TRIES_MAX; tried += 1) {
      const found = await this.#find(address);
      if (found !== undefined && isSame(found, wanted)) return this.#viewOf(found);
      const isTaken =
        found === undefined ? await this.#create(name, wanted) : await this.#change(name, wanted);
      if (isTaken) return this.view(name);
    }
    throw absent(name);
  }

  /** By name. Throws INVALID_INPUT. */
  async list(options: PageOptions = {}): Promise<Page<ScheduleView>> {
    const { kernel, log } = this.#options;
    const page = await kernel.reader.byKind(KIND, checked(listing, options));
    const views = page.items.map((address) =>
      unlessBad(log, address, async () => {
        const found = await this.#read(address);
        return found?.snapshot.status === 'active' ? this.#viewOf(found) : undefined;
      }),
    );
    return { ...page, items: (await Promise.all(views)).flatMap((view) => view ?? []) };
  }

  async view(name: string): Promise<ScheduleView> {
    return this.#viewOf(await this.#present(name));
  }

  /** Newest first. */
  async history(name: string): Promise<readonly ScheduleRun[]> {
    const { snapshot } = await this.#present(name);
    return [...contextOf(snapshot).history].reverse();
  }

  pause(name: string, by?: OperatorOptions): Promise<void> {
    return this.#tell(name, { type: 'schedule.pause' }, by);
  }

  resume(name: string, by?: OperatorOptions): Promise<void> {
    return this.#tell(name, { type: 'schedule.resume' }, by);
  }

  trigger(name: string, by?: OperatorOptions): Promise<void> {
    return this.#tell(name, { type: 'schedule.trigger' }, by);
  }

  /** Its items stay. Resolves when the name is free again, where a process runs that frees it. */
  async remove(name: string, by?: OperatorOptions): Promise<void> {
    await this.#tell(name, { type: 'schedule.remove' }, by);
    if (this.#isRun) await this.#gone(addressOf(name));
  }

  async #wanted(name: string, options: ScheduleOptions): Promise<Wanted> {
    const { kind, priority, attemptsMax, ...rest } = checked(optionsSchema, options);
    const payload = await this.#options.items.payloadOf(kind, rest.payload);
    const cadence = cadenceOf(options, this.#options.clock.now());
    const input: ScheduleInput = {
      ...{ name, cadence, kind, catchUp: rest.catchUp ?? 'skip', overlap: rest.overlap ?? 'skip' },
      ...(priority === undefined ? {} : { priority }),
      ...(attemptsMax === undefined ? {} : { attemptsMax }),
    };
    return { input, payload };
  }

  /** False: there is one by now. */
  async #create(name: string, { input, payload }: Wanted): Promise<boolean> {
    const { kernel, newId } = this.#options;
    const created: NewSchedule = { ...input, origin: newId('schedule') };
    const payloads = { [scheduleRows.payload]: payload };
    const { deduplicated } = await kernel.create(KIND, name, jsonOf(created), { payloads });
    return !deduplicated;
  }

  /** False: it was removed meanwhile. */
  async #change(name: string, { input, payload }: Wanted): Promise<boolean> {
    const event = { type: 'schedule.change', input: jsonOf(input) };
    const payloads = { [scheduleRows.payload]: payload };
    try {
      return (await this.#options.kernel.send(addressOf(name), event, { payloads })).accepted;
    } catch (error) {
      if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) return false;
      throw error;
    }
  }

  async #tell(name: string, event: { readonly type: string }, by?: OperatorOptions): Promise<void> {
    const { accepted } = await this.#options.kernel.send(addressOf(name), event, sourceOf(by));
    if (!accepted) throw absent(name);
  }

  async #present(name: string): Promise<Found> {
    const found = await this.#read(addressOf(name));
    if (found?.snapshot.status !== 'active') throw absent(name);
    return found;
  }

  /** One that was removed is waited for until it has gone. */
  async #find(address: string): Promise<Found | undefined> {
    const found = await this.#read(address);
    if (found === undefined || found.snapshot.status === 'active') return found;
    if (!this.#isRun)
      throw new HoldfastError(
        'NOT_UNIQUE',
        `${address} was removed; its name is free once a process runs here`,
      );
    await this.#gone(address);
    return undefined;
  }

  /** Payload and input are two rows: both as of one step. */
  async #read(address: string): Promise<Found | undefined> {
    const { kernel } = this.#options;
    for (let tried = 0; tried < TRIES_MAX; tried += 1) {
      const before = await kernel.reader.record(address);
      const payload = (await kernel.reader.payload(address, scheduleRows.payload)) ?? null;
      const actor = await kernel.snapshot(address);
      if (actor === undefined) return undefined;
      const { record, snapshot } = actor;
      if (record.seq === before?.seq) return { input: contextOf(snapshot).input, payload, snapshot };
    }
    throw new HoldfastError('COMMITS_BEHIND', `${address} steps faster than it is read`);
  }

  async #gone(address: string): Promise<void> {
    try {
      await this.#options.kernel.waitFor(address, () => false);
    } catch (error) {
      if (!isHoldfastError(error, 'ACTOR_NOT_FOUND')) throw error;
    }
  }

  /** As the schedule is by now: one that was changed after the run was due runs what it was changed to. */
  async #enqueue({ schedule: { name }, origin, run }: EnqueueRunInput): Promise<EnqueueRunAnswer> {
    const { items, log } = this.#options;
    const address = addressOf(name);
    const workId = stableId('work', [name, origin, run].join('\0'));
    try {
      const { input, payload, snapshot } = await this.#present(name);
      const { early, origin: present } = contextOf(snapshot);
      if (present !== origin) throw absent(name);
      // Enqueued by a process that died before it said so, and by now perhaps kept long enough.
      if (early.some((ended) => ended.workId === workId)) return { type: 'enqueued', workId };
      const { kind, priority, attemptsMax, overlap } = input;
      const item = {
        ...{ kind, payload, notify: address },
        ...(priority === undefined ? {} : { priority }),
        ...(attemptsMax === undefined ? {} : { attemptsMax }),
        ...(overlap === 'allow' ? {} : { dedupeKey: `schedule:${name}` }),
      };
      const { id } = await items.enqueueAs(workId, item);
      return { type: id === workId ? 'enqueued' : 'overlapped', workId: id };
    } catch (error) {
      if (isBusy(error) || isEndOfWriting(error)) throw new EffectDeferred();
      if (!isHoldfastError(error)) throw error;
      log.warn({ err: error, schedule: name, run }, 'schedule.refused');
      return { type: 'refused', error: { code: error.code, message: error.message } };
    }
  }

  #viewOf({ snapshot, payload }: Found): ScheduleView {
    const { input, createdAt, anchor, runs, history, error, ...context } = contextOf(snapshot);
    const { cadence: state } = (snapshot.value as { readonly active: { readonly cadence: string } }).active;
    const { name, cadence, kind, catchUp, overlap } = input;
    const lastRun = history.at(-1);
    const isPlanned = state === 'planning';
    const planned = isPlanned ? plannedOf({ cadence, after: this.#options.clock.now(), anchor }) : undefined;
    const nextAt = planned ?? context.nextAt;
    return {
      ...{ name, status: statuses[state] ?? 'active' },
      ...('cron' in cadence ? cadence : { every: cadence.everyMs }),
      ...{ kind, payload, catchUp, overlap, createdAt, runs },
      ...(nextAt === undefined ? {} : { nextAt }),
      ...(lastRun === undefined ? {} : { lastRun }),
      ...(error === undefined ? {} : { error }),
    };
  }
}

const statuses: Readonly<Record<string, ScheduleView['status']>> = { paused: 'paused', over: 'over' };

/** What the effect that is under way will say. */
function plannedOf(input: PlanInput): number | undefined {
  const answer = nextAfter(input);
  return answer.type === 'next' ? answer.at : undefined;
}

function addressOf(name: string): string {
  return `${KIND}/${checked(nameSchema, { name }).name}`;
}

function contextOf({ context }: AnyMachineSnapshot): ScheduleContext {
  return context as ScheduleContext;
}

function isSame(one: Wanted, other: Wanted): boolean {
  return (
    canonicalJson({ input: one.input, payload: one.payload }) ===
    canonicalJson({ input: other.input, payload: other.payload })
  );
}

/** Plain JSON, as its type says; interfaces have no index signature. */
function jsonOf(value: ScheduleInput): JsonObject {
  return { ...value };
}

function absent(name: string): HoldfastError {
  return new HoldfastError('ACTOR_NOT_FOUND', `there is no schedule ${JSON.stringify(name)}`);
}
