/**
 * Every adapter, in every generation it speaks, over one simulator: what tests of all providers go through.
 *
 * Callers: the contract of adapters, the matrix of crashes and faults, the crowd. Invariant: an entry is an
 * adapter and a dialect that meet.
 */
import type { Clock } from '../../src/clock.js';
import {
  kling,
  openai,
  type JobKind,
  type ProviderAdapter,
  type ProviderRequest,
} from '../../src/providers/index.js';

export interface Place {
  /** The simulator's, without a slash at its end. */
  readonly url: string;
  readonly clock: Clock;
  /** Absent: there is none. */
  readonly apiKey?: string;
  readonly env: () => Readonly<Record<string, string>>;
}

export interface Entry {
  readonly kinds: readonly JobKind[];
  /** What a request to it cannot do without, beside a prompt. */
  readonly request?: Partial<Pick<ProviderRequest, 'model' | 'image' | 'durationSeconds' | 'size'>>;
  readonly adapter: (place: Place) => ProviderAdapter;
}

/** By a name of its own, such as `minimax v1`. */
export const every: Readonly<Record<string, Entry>> = {
  openai: {
    kinds: ['video'],
    adapter: ({ url, ...place }) => openai({ ...place, baseUrl: `${url}/openai/v1` }),
  },
  kling: {
    kinds: ['video', 'image'],
    adapter: ({ url, ...place }) => kling({ ...place, baseUrl: `${url}/kling` }),
  },
};
