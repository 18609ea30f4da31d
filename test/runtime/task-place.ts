/**
 * Background tasks in a whole runtime over a store in memory, with runners that a test plays.
 *
 * Callers: the tests of tasks. Invariant: what is open when a test ends is closed.
 */
import { onTestFinished } from 'vitest';
import type {
  RunnerContext,
  RunnerFunction,
  RunnerInput,
  RunnerResult,
} from '../../src/actors/tasks/runner.js';
import type { TaskView, TasksOptions } from '../../src/actors/tasks/face.js';
import type { Tasks } from '../../src/actors/tasks.js';
import type { ChannelSend } from '../../src/channels/index.js';
import { silentLogger, type Runtime, type RuntimeOptions } from '../../src/index.js';
import { openOver } from '../../src/runtime.js';
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/index.js';
import { faultyStore, type FaultyStore } from '../../src/testing/index.js';
import { newDirectory } from '../store/place.js';
import { until } from './house.js';
import { createMovableClock, type MovableClock } from './movable-clock.js';

export interface TaskPlace {
  readonly disk: MemoryDisk;
  readonly clock: MovableClock;
  readonly runtime: Runtime;
  readonly tasks: Tasks;
  readonly store: FaultyStore;
  /** What came in through the channel `chat`, in order: the delivery's id and the text. */
  readonly sent: string[];
  /** Lets it die with its next commit on disk but so many; resolves when it has. Then `crash`. */
  readonly dieAt: (commits: number) => Promise<void>;
  /** Ends everything without a word, as a crash does, and opens the same disk again. */
  readonly crash: (tasks?: TasksOptions) => Promise<TaskPlace>;
  /** The same in good order. */
  readonly reopen: (tasks?: TasksOptions) => Promise<TaskPlace>;
}

type Settings = Omit<Partial<RuntimeOptions>, 'tasks'>;

/** A runtime whose one runner is `runner`; found tasks start at once. */
export function openTasks(given: RunnerFunction | TasksOptions, settings: Settings = {}): Promise<TaskPlace> {
  const options = typeof given === 'function' ? { runners: { agent: given } } : given;
  return open({ staggerMs: 0, ...options }, settings, createMovableClock(), createMemoryDisk(), []);
}

async function open(
  tasks: TasksOptions,
  settings: Settings,
  clock: MovableClock,
  disk: MemoryDisk,
  sent: string[],
): Promise<TaskPlace> {
  const deaths: { readonly at: number; readonly died: () => void }[] = [];
  const store: FaultyStore = faultyStore(await openMemoryStore({ disk }), {
    onCommit: (_number, phase) => {
      const death = deaths.find(({ at }) => phase === 'after' && at === store.commitCount);
      if (death === undefined) return;
      // Nobody waits for it here: it waits for this commit.
      void store.kill().then(death.died);
    },
  });
  const chat: ChannelSend = (message, { deliveryId }) => {
    sent.push(`${deliveryId}: ${message.text}`);
    return Promise.resolve();
  };
  const runtime = await openOver(store, {
    ...{ directory: await newDirectory(), clock, log: silentLogger, control: false, channels: { chat } },
    ...{ ...settings, tasks },
  });
  let isDead = false;
  onTestFinished(() => (isDead ? undefined : runtime.close({ timeoutMs: 0 })));
  const again = (next: TasksOptions = tasks): Promise<TaskPlace> =>
    open({ staggerMs: 0, ...next }, settings, clock, disk, sent);
  return {
    ...{ disk, clock, runtime, tasks: runtime.tasks, store, sent },
    crash: async (next) => {
      isDead = true;
      await store.kill();
      return again(next);
    },
    dieAt: (commits) => {
      const died = gate();
      deaths.push({ at: store.commitCount + commits, died: died.open });
      return died.opened;
    },
    reopen: async (next) => {
      await runtime.close();
      return again(next);
    },
  };
}

/** A run that stands where its test wants it. */
export interface Played {
  readonly input: RunnerInput;
  readonly context: RunnerContext;
  readonly finish: (result?: Partial<RunnerResult>) => void;
  readonly fail: (error: unknown) => void;
}

export interface Stage {
  readonly runner: RunnerFunction;
  /** Resolves with the next run that has begun and was not given out yet. */
  readonly next: () => Promise<Played>;
  /** How many have begun. */
  readonly count: () => number;
  /** Most that were under way at once. */
  readonly most: () => number;
}

/** A runner of which each run is a scene: the test says what it does. */
export function stage(): Stage {
  const begun: Played[] = [];
  const waiting: ((played: Played) => void)[] = [];
  let count = 0;
  let underWay = 0;
  let most = 0;
  const runner: RunnerFunction = async (input, context) => {
    count += 1;
    underWay += 1;
    most = Math.max(most, underWay);
    try {
      return await new Promise<RunnerResult>((resolve, reject) => {
        const played: Played = {
          ...{ input, context },
          finish: (result = {}) => resolve({ output: `done: ${input.prompt}`, ...result }),
          fail: reject,
        };
        const first = waiting.shift();
        if (first === undefined) begun.push(played);
        else first(played);
      });
    } finally {
      underWay -= 1;
    }
  };
  const next = (): Promise<Played> => {
    const played = begun.shift();
    return played === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(played);
  };
  return { runner, next, count: () => count, most: () => most };
}

/** Resolves with the first view that satisfies `is`: the present one, or one after a later step. */
export async function seenTask(
  { runtime, tasks }: Pick<TaskPlace, 'runtime' | 'tasks'>,
  id: string,
  is: (task: TaskView) => boolean,
): Promise<TaskView> {
  let last: TaskView | undefined;
  await until(runtime, async () => {
    last = await tasks.view(id);
    return is(last);
  });
  if (last === undefined) throw new Error(`task ${id} was not looked at`);
  return last;
}

export function seenAs(
  place: Pick<TaskPlace, 'runtime' | 'tasks'>,
  id: string,
  status: TaskView['status'],
): Promise<TaskView> {
  return seenTask(place, id, (task) => task.status === status);
}

/** A promise and what settles it. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}
