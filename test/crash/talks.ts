/**
 * What stays while talkers are killed: a directory, a ledger; and what is to be seen of both afterwards.
 *
 * Callers: the crash tests of sessions. Invariant: all of it goes when its test ends, talkers too.
 */
import { strict as assert } from 'node:assert';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRuntime, silentLogger, type Batch, type Runtime } from '../../src/index.js';
import { readFacts, type Fact, type TalkPlan } from './session-plan.js';
import type { Finish } from './world.js';

export type Talk = Omit<TalkPlan, 'directory' | 'ledger'>;

export interface Talker {
  /** How it ended: `SIGKILL`, or its exit code. */
  readonly ended: Promise<string>;
  /** Facts that it has printed. */
  readonly lines: () => readonly string[];
  /** Settles once it has printed that, or has ended. */
  readonly heard: (line: string) => Promise<void>;
  readonly kill: () => void;
}

/** One conversation, as it is on disk. */
export interface Told {
  /** The texts of its history, in order. */
  readonly history: readonly string[];
  readonly waiting: readonly Batch[];
}

export class Talks {
  readonly directory: string;
  readonly #program: string;
  readonly #children = new Set<ChildProcess>();

  constructor(program: string, directory: string) {
    this.#program = program;
    this.directory = directory;
  }

  start(talk: Talk): Talker {
    const { directory } = this;
    const plan: TalkPlan = { ...talk, directory: join(directory, 'store'), ledger: this.#ledger };
    const child = spawn(process.execPath, [this.#program, JSON.stringify(plan)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    let text = '';
    const lines = (): readonly string[] => text.split('\n').slice(0, -1);
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const ended = once(child, 'close').then(() => {
      this.#children.delete(child);
      return String(child.signalCode ?? child.exitCode);
    });
    const heard = async (line: string): Promise<void> => {
      while (!lines().includes(line) && this.#children.has(child))
        await Promise.race([once(child.stdout, 'data'), ended]);
    };
    return { ended, lines, heard, kill: () => child.kill('SIGKILL') };
  }

  /** Runs a talker that nobody kills until it is quiet. */
  async finish(talk: Talk): Promise<void> {
    const talker = this.start(talk);
    assert.equal(await talker.ended, '0');
    assert.ok(talker.lines().includes('quiet'));
  }

  async facts(): Promise<readonly Fact[]> {
    return readFacts(await readFile(this.#ledger, 'utf8'));
  }

  /** Looks at sessions while no talker runs. */
  async tell(keys: readonly string[]): Promise<readonly Told[]> {
    const runtime = await openRuntime({
      directory: join(this.directory, 'store'),
      control: false,
      log: silentLogger,
    });
    try {
      return await Promise.all(keys.map((key) => toldOf(runtime, key)));
    } finally {
      await runtime.close();
    }
  }

  async close(): Promise<void> {
    const gone = [...this.#children].map((child) => once(child, 'close'));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(gone);
    await rm(this.directory, { recursive: true, force: true });
  }

  get #ledger(): string {
    return join(this.directory, 'ledger');
  }
}

/** `program` is the path of the bundled child. */
export async function openTalks(program: string, finish: Finish): Promise<Talks> {
  const talks = new Talks(program, await mkdtemp(join(tmpdir(), 'holdfast-talks-')));
  finish(() => talks.close());
  return talks;
}

async function toldOf(runtime: Runtime, key: string): Promise<Told> {
  const session = runtime.sessions.get(key);
  const history: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await session.history({ limit: 1_000, cursor });
    history.push(...page.items.map(({ entry }) => String(Reflect.get(Object(entry), 'content'))));
    cursor = page.cursor;
  } while (cursor !== undefined);
  const { items: waiting } = await session.list({ limit: 1_000 });
  return { history, waiting };
}
