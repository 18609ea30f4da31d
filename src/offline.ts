/**
 * A directory that nobody runs, opened to look at it and to do what needs no process.
 *
 * Callers: the CLI, users. Invariant: it raises no generation, starts no effect and arms no timer; steps that
 * it takes are on disk, and what they ask for is done by the next `openRuntime`.
 */
import { resolve } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import type { Capsule } from './actors/capsule/capsule.js';
import type { ActorName, ExportOptions, ImportOptions } from './actors/capsule/capsules.js';
import {
  storedCounts,
  takeCensus,
  type Census,
  type CensusOptions,
  type StoredCount,
} from './actors/census.js';
import type { DefineOptions } from './actors/actors.js';
import type { Deliveries } from './actors/deliveries.js';
import type { InspectionFace } from './actors/inspection/face.js';
import type { Jobs } from './actors/jobs.js';
import { ProviderBook } from './actors/provider-book.js';
import type { Providers } from './actors/providers.js';
import type { Quarantine } from './actors/quarantine.js';
import type { Sessions } from './actors/sessions.js';
import type { TasksFace } from './actors/tasks/face.js';
import type { WorkFace } from './actors/work/face.js';
import { assemble } from './assembly.js';
import type { BackupOptions } from './backup.js';
import type { Address } from './ids.js';
import type { Inspector, InspectorOptions } from './inspector/index.js';
import type { RuntimeOptions } from './runtime-options.js';
import { openLevelStore, type CopyReport } from './store/index.js';

/**
 * What can be done in a directory that nobody runs: look, cancel, retry. Steps are committed as ever; what
 * they ask for is done by the next `openRuntime`.
 */
export interface OfflineRuntime {
  readonly directory: string;
  readonly jobs: Pick<Jobs, 'list' | 'view' | 'get'>;
  readonly deliveries: Pick<Deliveries, 'list' | 'get' | 'retry' | 'dismiss'>;
  /** Those that were given. */
  readonly providers: Providers;
  readonly sessions: Sessions;
  /** A task of any runner's name is taken: the next runtime has it, or the task is blocked there. */
  readonly tasks: Omit<TasksFace, 'watch'>;
  /** Items and schedules; workers claim where the directory is run. */
  readonly work: WorkFace;
  /** Looks at every kind; acts on the runtime's own kinds alone, whose machines are here. */
  readonly quarantine: Quarantine;
  /** Looks at every kind; acts on the runtime's own and on those that are defined here. */
  readonly inspection: InspectionFace;
  /** See `Runtime.inspector`; it ends with the `close` of this. */
  inspector(options?: InspectorOptions): Inspector;
  /**
   * Makes a machine of your own known here, so that its actors' steps can be taken again and their acts are
   * taken. None of them goes on. Throws as `Runtime.define`.
   */
  define<Machine extends AnyStateMachine>(machine: Machine, options?: DefineOptions<Machine>): void;
  /** What a machine would make of the stored actors of its kind; it changes nothing. */
  census(machine: AnyStateMachine, options?: CensusOptions): Promise<Census>;
  /** How many actors of every kind are in each state. */
  counts(): readonly StoredCount[];
  /** See `Runtime.backup`. */
  backup(target: string, options?: BackupOptions): Promise<CopyReport>;
  /** See `Runtime.export` and `Runtime.import`. */
  export(actor: ActorName, options?: ExportOptions): Promise<Capsule>;
  import(capsule: unknown, options?: ImportOptions): Promise<Address>;
  /** Flushes and frees the directory. */
  close(): Promise<void>;
}

/**
 * Opens a directory without running it: takes its lock, raises no generation, starts no effect, arms no
 * timer. Throws as `openRuntime` does, and INVALID_OPTIONS when the directory holds no store: nothing is
 * created.
 */
export async function openOffline({
  log,
  ...options
}: Pick<RuntimeOptions, 'directory' | 'log' | 'providers'>): Promise<OfflineRuntime> {
  const directory = resolve(options.directory);
  const store = await openLevelStore({ directory, purpose: 'look' });
  try {
    const given = { directory, ...(log && { log }) };
    const parts = await assemble(given, store, new ProviderBook(options.providers ?? []), {
      live: false,
    });
    const {
      kernel,
      jobs,
      deliveries,
      providers,
      sessions,
      tasks,
      work,
      quarantine,
      inspection,
      inspectors,
      actors,
      capsules,
      backups,
      transport,
    } = parts;
    return {
      ...{ directory, jobs, deliveries, providers, sessions, tasks, work, quarantine, inspection },
      inspector: (given) => inspectors.open(given),
      define: (machine, given) => void actors.define(machine, given),
      census: (machine, census) => takeCensus(kernel, machine, census),
      counts: () => storedCounts(kernel),
      backup: (target, taken) => backups.take(target, taken),
      export: (actor, asked) => capsules.export(actor, asked),
      import: (capsule, given) => capsules.import(capsule, given),
      close: async () => {
        inspectors.close();
        await backups.close();
        await kernel.close(0);
        await transport.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
