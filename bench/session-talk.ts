/**
 * Messages a second: a thousand conversations of twenty messages each, one in flight in each, synced.
 *
 * In each round, on fresh databases, the façade and its ceiling (session-bare.ts) take turns of a few
 * messages in every conversation. What people write by hand (session-live.ts) syncs five times a message:
 * it is measured once, by fewer messages. Callers: sessions.ts.
 */
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { median } from './lanes.js';
import { withLevel } from './live.js';
import { inFreshDirectory } from './place.js';
import { BareSessions } from './session-bare.js';
import { converse, withSessions } from './session-host.js';
import { LiveSessions } from './session-live.js';

const CONVERSATIONS = 1_000;
const MESSAGES = 20;
const SLICES = 4;
const WARM_UP_MESSAGES = 2;
const ROUNDS = 3;
const LIVE_MESSAGES = 2;

const conversations = Array.from({ length: CONVERSATIONS }, (_unused, index) => `conversation-${index}`);

export interface Talk {
  readonly messagesPerSecond: number;
  /** All threads of the process. */
  readonly cpuUsPerMessage: number;
}

class Talking {
  readonly #converse: (key: string) => Promise<void>;
  #messages = 0;
  #ms = 0;
  #cpuUs = 0;

  constructor(converseIn: (key: string) => Promise<void>) {
    this.#converse = converseIn;
  }

  async slice(messages: number): Promise<void> {
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const talk = async (key: string): Promise<void> => {
      for (let message = 0; message < messages; message += 1) await this.#converse(key);
    };
    await Promise.all(conversations.map(talk));
    this.#ms += performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpu);
    this.#cpuUs += user + system;
    this.#messages += messages * CONVERSATIONS;
  }

  reset(): void {
    this.#messages = 0;
    this.#ms = 0;
    this.#cpuUs = 0;
  }

  measured(): Talk {
    return {
      messagesPerSecond: (this.#messages / this.#ms) * 1_000,
      cpuUsPerMessage: this.#cpuUs / this.#messages,
    };
  }
}

export interface TalkRound {
  readonly facade: Talk;
  readonly ceiling: Talk;
}

export async function measureTalk(): Promise<readonly TalkRound[]> {
  const rounds: TalkRound[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await inFreshDirectory(measureRound));
  return rounds;
}

function measureRound(directory: string): Promise<TalkRound> {
  return withSessions({ directory: join(directory, 'facade'), durability: 'power' }, ({ sessions }) =>
    withLevel(join(directory, 'ceiling'), async (level) => {
      const bare = new BareSessions(level);
      const facade = new Talking((key) => converse(sessions.get(key)));
      const ceiling = new Talking((key) => bare.converse(key));
      for (const talking of [facade, ceiling]) {
        await talking.slice(WARM_UP_MESSAGES);
        talking.reset();
      }
      for (let slice = 0; slice < SLICES; slice += 1)
        for (const talking of slice % 2 === 0 ? [facade, ceiling] : [ceiling, facade])
          await talking.slice(MESSAGES / SLICES);
      return { facade: facade.measured(), ceiling: ceiling.measured() };
    }),
  );
}

export function measureLive(): Promise<Talk> {
  return inFreshDirectory((directory) =>
    withLevel(directory, async (level) => {
      const live = new LiveSessions(level);
      const talking = new Talking((key) => live.converse(key));
      await talking.slice(1);
      talking.reset();
      await talking.slice(LIVE_MESSAGES);
      live.stop();
      return talking.measured();
    }),
  );
}

/** The median of each figure by itself. */
export function medianTalk(talks: readonly Talk[]): Talk {
  return {
    messagesPerSecond: median(talks.map(({ messagesPerSecond }) => messagesPerSecond)),
    cpuUsPerMessage: median(talks.map(({ cpuUsPerMessage }) => cpuUsPerMessage)),
  };
}
