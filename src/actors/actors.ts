/**
 * Machines of the user's own: `runtime.define` makes one durable and gives a handle to its actors.
 *
 * Owns: which kinds were defined here, and the names that are the runtime's. Callers: the assembly, and
 * users through it. Invariants:
 *  1  A kind has one machine for as long as the runtime is open; its actors of earlier runs wake up when it
 *     is defined (K14).
 *  2  A user's index is found under its own kind: it shows up in no listing of another's.
 *  3  What users send is checked by their schemas once, here; what machines send each other is not.
 */
import { StateMachine } from 'xstate';
import type { AnyMachineSnapshot, AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom } from 'xstate';
import type { StateValue } from 'xstate';
import { HoldfastError } from '../errors.js';
import { addressOf, newId, splitAddress } from '../ids.js';
import type { Json, JsonEvent } from '../json.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import { checkDefineOptions } from './actor-options.js';
import { abortable, actorRef, takes } from './actor-ref.js';
import type { DurableRef, EventOfType, RefOptions } from './actor-ref.js';
import { checkListing, checkPage, isIn, isWanted, viewOf } from './actor-view.js';
import type { ActorView, ListActors } from './actor-view.js';
import type { DefinitionOptions, FoundRecord, IndexedActor, IndexRow, Kernel } from './kernel/index.js';
import type { Page, PageOptions, StepCheck } from './kernel/index.js';
import { sourceOf, type OperatorOptions } from './operator.js';
import { isStandardSchema, validated, type StandardSchema } from './schema.js';

/** What the kernel is told of a machine, as it is. */
type Forwarded = Pick<
  DefinitionOptions,
  'version' | 'effects' | 'retentionMs' | 'migrate' | 'supervision' | 'children'
>;

export interface DefineOptions<Machine extends AnyStateMachine> extends Forwarded {
  /** The first part of its actors' addresses; default: the machine's id. */
  readonly kind?: string;
  /** When the snapshot is written: `each` step (default), or `amortized` over the journal's growth. */
  readonly snapshot?: 'each' | 'amortized';
  /** What its actors are found by, with `find`: a pure function of a snapshot. */
  readonly indexes?: (snapshot: SnapshotFrom<Machine>, actor: IndexedActor) => readonly IndexRow[];
  /** Standard Schemas (zod, valibot, arktype ...) for what comes from outside, checked at the door. */
  readonly schemas?: {
    readonly input?: StandardSchema<InputFrom<Machine>>;
    /** By event type. The schema gets the whole event, its type included. */
    readonly events?: {
      readonly [Type in EventFromLogic<Machine>['type']]?: StandardSchema<
        EventOfType<EventFromLogic<Machine>, Type>
      >;
    };
  };
}

/** What a creation needs: the input too, where the machine declares one. */
export type ActorCreation<Machine extends AnyStateMachine> = {
  /** Default: a new one. Given twice, nothing is created the second time. */
  readonly id?: string;
} & (undefined extends InputFrom<Machine>
  ? { readonly input?: InputFrom<Machine> }
  : { readonly input: InputFrom<Machine> });

export type CreateActorOptions<Machine extends AnyStateMachine> = ActorCreation<Machine> & CreateWait;

interface CreateWait {
  /**
   * Ends the wait with the signal's reason. The actor may be created all the same: repeat it under its id.
   */
  readonly signal?: AbortSignal;
}

type CreateArguments<Machine extends AnyStateMachine> =
  undefined extends InputFrom<Machine>
    ? [options?: CreateActorOptions<Machine>]
    : [options: CreateActorOptions<Machine>];

/** The ref of an actor that `create` was asked for. */
export type CreatedRef<Machine extends AnyStateMachine> = DurableRef<Machine> & {
  /** False: an actor of that id was there already, and its input stands. */
  readonly created: boolean;
};

/** The actors of one machine. */
export interface ActorKind<Machine extends AnyStateMachine> {
  readonly kind: string;
  readonly version: string;
  /**
   * Creates an actor; resolves when it is on disk. Idempotent by id: see `created`. Throws INVALID_ID,
   * INVALID_INPUT, NOT_UNIQUE, RUNTIME_CLOSED, STORE_FAILED, STORE_FULL, and what the machine throws.
   */
  create(...options: CreateArguments<Machine>): Promise<CreatedRef<Machine>>;
  /**
   * Creates many, 50,000 at most, in as few commits as they fit in; resolves when all are on disk, with a ref
   * each in their order. When an id or an input is refused, none is created. Where the machine throws at one,
   * the store is behind, or the process dies, others may be: repeat the call under the same ids. Throws as
   * `create`, and COMMITS_BEHIND.
   */
  createMany(
    creations: readonly ActorCreation<Machine>[],
    options?: CreateWait,
  ): Promise<readonly CreatedRef<Machine>[]>;
  /** A ref by id, without looking whether there is such an actor. Throws INVALID_ID. */
  get(id: string): DurableRef<Machine>;
  /**
   * One page of its actors, by id. There is no index by state: a page looks at 1,000 actors at most, so it
   * may be shorter than its limit, empty even, and have a cursor. Where that is too slow, declare an index.
   */
  list(options?: ListActors): Promise<Page<ActorView>>;
  /** Refs by a declared index, in its order; `parts` may be the first ones alone. */
  find(index: string, parts: readonly string[], options?: PageOptions): Promise<Page<DurableRef<Machine>>>;
  /** How many there are, in a state or in all: read from counts that are kept, whatever is stored. */
  count(state?: StateValue): number;
}

/** Kinds of the runtime's own, today's and those of later steps: users' names must not begin with them. */
const RESERVED = new Set([
  'delivery',
  'job',
  'parked',
  'provider',
  'schedule',
  'session',
  'supervisor',
  'task',
  'work',
]);

interface Defined {
  readonly machine: AnyStateMachine;
  readonly version: string;
  readonly refs: RefOptions;
  readonly inputSchema: StandardSchema | undefined;
}

export class Actors {
  readonly #kernel: Kernel;
  readonly #log: Logger;
  readonly #newId: (prefix: string) => string;
  readonly #defined = new Map<string, Defined>();

  constructor(kernel: Kernel, log: Logger, makeId = newId) {
    this.#kernel = kernel;
    this.#log = log;
    this.#newId = makeId;
  }

  /** See `Runtime.define`. */
  define<Machine extends AnyStateMachine>(
    machine: Machine,
    options: DefineOptions<Machine> = {},
  ): ActorKind<Machine> {
    if (!(machine instanceof StateMachine))
      throw invalid('define', 'that is no machine of the xstate beside holdfast; install xstate once');
    checkDefineOptions(machine.id, options);
    const kind = options.kind ?? machine.id;
    checkKind(kind);
    const known = this.#defined.get(kind);
    if (known === undefined) return this.#handle(kind, this.#define(kind, machine, options));
    if (known.machine === machine && (options.version ?? known.version) === known.version)
      return this.#handle(kind, known);
    throw invalid(kind, 'is defined already, with another machine or version; give one of them another kind');
  }

  /** The kinds that users have defined in this process, those of children aside. */
  kinds(): readonly string[] {
    return [...this.#defined.keys()];
  }

  /** See `Runtime.list`. */
  async list(kind: string, options: ListActors = {}): Promise<Page<ActorView>> {
    // A name that can be no kind's is a mistake, not an empty listing.
    addressOf(kind, 'id');
    checkListing(options);
    const { state, status, cursor, limit } = options;
    const matches = (found: FoundRecord): boolean => isWanted(found, state, status);
    const page = await this.#kernel.reader.records(kind, matches, { cursor, limit });
    return { ...page, items: page.items.map(viewOf) };
  }

  /** What the schema of an event is, where its kind declares one. */
  eventSchema(kind: string, type: string): StandardSchema | undefined {
    const { eventSchemas = {} } = this.#defined.get(kind)?.refs ?? {};
    return Object.hasOwn(eventSchemas, type) ? eventSchemas[type] : undefined;
  }

  /**
   * Sends an event as an operator does: checked by its schema, and refused in the turn of its step unless the
   * actor takes it. Throws ACT_UNKNOWN, INVALID_EVENT, and as `DurableRef.send`.
   */
  async tell(address: string, event: JsonEvent, by: OperatorOptions): Promise<void> {
    const { kind } = splitAddress(address);
    const what = `the event ${JSON.stringify(event.type)}`;
    const schema = this.eventSchema(kind, event.type);
    const sent = (await validated(schema, event, { what, code: 'INVALID_EVENT' })) as JsonEvent;
    const refusal = (): HoldfastError => new HoldfastError('ACT_UNKNOWN', `${address} does not take ${what}`);
    const check: StepCheck = (snapshot) => {
      if (!takes(snapshot, sent)) throw refusal();
    };
    const { accepted } = await this.#kernel.send(address, sent, { ...sourceOf(by), check });
    if (!accepted) throw refusal();
  }

  #define<Machine extends AnyStateMachine>(
    kind: string,
    machine: Machine,
    options: DefineOptions<Machine>,
  ): Defined {
    const clash = [...this.#defined.keys()].find((other) => isWithin(kind, other) || isWithin(other, kind));
    if (clash !== undefined) throw invalid(kind, `beside "${clash}": names after a dot are its children's`);
    if (this.#kernel.definitionOf(kind) !== undefined)
      throw invalid(kind, 'is the kind of another machine; choose another');
    const { kind: _kind, snapshot, indexes, schemas, children, ...rest } = options;
    const eventSchemas = schemasOf(kind, schemas?.events ?? {});
    const { input } = schemasOf(kind, schemas?.input === undefined ? {} : { input: schemas.input });
    const ownIndexes = indexes as DefinitionOptions['indexes'];
    const definition = this.#kernel.define({
      ...rest,
      kind,
      machine,
      ...(snapshot === undefined ? {} : { snapshot }),
      ...(ownIndexes === undefined ? {} : { indexes: underKind(kind, ownIndexes) }),
      ...(children === undefined ? {} : { children: childrenUnderKind(kind, children) }),
    });
    const { version } = definition;
    const refs = { kernel: this.#kernel, log: this.#log, eventSchemas };
    const defined = { machine, version, refs, inputSchema: input };
    this.#defined.set(kind, defined);
    return defined;
  }

  #handle<Machine extends AnyStateMachine>(kind: string, defined: Defined): ActorKind<Machine> {
    const { refs, version } = defined;
    const get = (id: string): DurableRef<Machine> => actorRef<Machine>(refs, addressOf(kind, id));
    return {
      kind,
      version,
      get,
      create: async (options: LooseCreate = {}) => {
        const [ref] = await this.#create(kind, defined, [options], options.signal);
        if (ref === undefined) throw new Error('one creation has one outcome');
        return { ...get(ref.id), created: ref.created };
      },
      createMany: async (creations, options = {}) => {
        const refs = await this.#create(kind, defined, creations, options.signal);
        return refs.map(({ id, created }) => ({ ...get(id), created }));
      },
      list: (options) => this.list(kind, options),
      find: async (index, parts, options = {}) => {
        checkPage(options);
        const page = await this.#kernel.reader.byIndex(indexName(kind, index), parts, options);
        return { ...page, items: page.items.map((address) => get(splitAddress(address).id)) };
      },
      count: (state) => this.#count(kind, state),
    };
  }

  #create(
    kind: string,
    { inputSchema }: Defined,
    creations: readonly LooseCreate[],
    signal: AbortSignal | undefined,
  ): Promise<readonly { readonly id: string; readonly created: boolean }[]> {
    return abortable(signal, async () => {
      if (creations.length > limits.pendingStepsMax)
        throw new HoldfastError('INVALID_INPUT', `at most ${limits.pendingStepsMax} creations in one call`);
      const checked = creations.map(({ input }) => validated(inputSchema, input, INPUT));
      const inputs = checked.some((one) => one instanceof Promise) ? await Promise.all(checked) : checked;
      signal?.throwIfAborted();
      const named = creations.map(({ id = this.#newId(kind) }, index) => {
        // The kernel refuses what is not JSON.
        const input = inputs[index] as Json | undefined;
        return { id, ...(input === undefined ? {} : { input }) };
      });
      const outcomes = await this.#kernel.createMany(kind, named);
      return named.map(({ id }, index) => ({ id, created: outcomes[index]?.deduplicated !== true }));
    });
  }

  #count(kind: string, state: StateValue | undefined): number {
    return this.#kernel
      .counts(kind)
      .filter((one) => state === undefined || isIn(JSON.parse(one.state), state))
      .reduce((sum, { count }) => sum + count, 0);
  }
}

const INPUT = { what: 'input', code: 'INVALID_INPUT' } as const;

interface LooseCreate {
  readonly id?: string;
  readonly input?: unknown;
  readonly signal?: AbortSignal;
}

function checkKind(kind: string): void {
  if (!/^[A-Za-z][\w.-]*$/.test(kind)) {
    const rule = 'a letter, then letters, digits, "_", "." and "-"; give the machine an id, or name a kind';
    throw invalid(JSON.stringify(kind), `is no kind: that is ${rule}`);
  }
  const [first = ''] = kind.split('.');
  if (isHouseKind(kind)) throw invalid(kind, `"${first}" is a kind of the runtime's own; name another`);
}

/** True for kinds that only the runtime itself may have. */
export function isHouseKind(kind: string): boolean {
  const [first = ''] = kind.split('.');
  return RESERVED.has(first);
}

function isWithin(kind: string, parent: string): boolean {
  return kind.startsWith(`${parent}.`);
}

function invalid(kind: string, what: string): HoldfastError {
  return new HoldfastError('INVALID_DEFINITION', `${kind}: ${what}`, { details: { kind } });
}

function schemasOf<Name extends string>(
  kind: string,
  given: { readonly [Key in Name]?: unknown },
): Readonly<Partial<Record<Name, StandardSchema>>> {
  const schemas: Partial<Record<string, StandardSchema>> = {};
  for (const [name, schema] of Object.entries<unknown>(given)) {
    if (schema === undefined) continue;
    if (!isStandardSchema(schema))
      throw invalid(kind, `schemas: "${name}" is no Standard Schema (version 1)`);
    schemas[name] = schema;
  }
  return schemas as Partial<Record<Name, StandardSchema>>;
}

/** Index names are the store's: a user's carry the kind, and meet nobody else's. */
function indexName(kind: string, index: string): string {
  return `${kind}:${index}`;
}

type Indexes = NonNullable<DefinitionOptions['indexes']>;
type Children = NonNullable<DefinitionOptions['children']>;

function underKind(kind: string, indexes: Indexes): Indexes {
  return (snapshot: AnyMachineSnapshot, actor: IndexedActor) =>
    indexes(snapshot, actor).map((row) => ({ ...row, index: indexName(kind, row.index) }));
}

function childrenUnderKind(kind: string, children: Children): Children {
  const own = Object.entries(children).map(([src, { indexes, children: inner, ...rest }]) => {
    const childKind = `${kind}.${src}`;
    return [
      src,
      {
        ...rest,
        ...(indexes === undefined ? {} : { indexes: underKind(childKind, indexes) }),
        ...(inner === undefined ? {} : { children: childrenUnderKind(childKind, inner) }),
      },
    ] as const;
  });
  return Object.fromEntries(own);
}
