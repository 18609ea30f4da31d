/** Mutants of the adapters of hosts and of the AI SDK bridge: what is paid for once, and what is believed. */
import type { Mutant } from './mutant.js';

const hosted = 'test/runtime/hosted-models.test.ts';

export const hostMutants: readonly Mutant[] = [
  {
    name: 'takes the webhook of any job for its own in a listing',
    breaks: ['P3'],
    file: 'src/providers/listing.ts',
    find: '(provider === ownProvider && token === ownToken) ||',
    replace: 'provider === ownProvider ||',
    caughtBy: 'test/providers/replicate.test.ts',
    by: 'takes … for what it is',
  },
  {
    name: 'takes a page of a gateway for what a model of fal’s says',
    breaks: ['P3'],
    file: 'src/providers/adapters/fal-errors.ts',
    find: 'const isPlain = status >= 400 && status < 500 && ',
    replace: 'const isPlain = status >= 400 && ',
    caughtBy: hosted,
    by: 'is asked for again after …: it is paid for',
  },
  {
    name: 'believes an AI SDK model at its first error',
    breaks: ['P3'],
    file: 'src/providers/adapters/ai-sdk-errors.ts',
    find: 'const isBelieved = errors + 1 >= this.#errorsMin && nowMs - sinceMs >= this.#forMs;',
    replace: 'const isBelieved = errors + 1 >= this.#errorsMin || nowMs - sinceMs <= this.#forMs;',
    caughtBy: 'test/providers/ai-sdk-models.test.ts',
    by: 'fal: a 429 and a gateway page are said to be errors, and the paid video is not lost',
  },
  {
    name: 'leaves the key in the URL that a model gives',
    breaks: ['T4'],
    file: 'src/providers/adapters/ai-sdk.ts',
    find: `const others = parts.filter((part) => !part.startsWith('key='));`,
    replace: `const others = parts.filter((part) => !part.startsWith('apikey='));`,
    caughtBy: 'test/providers/ai-sdk-models.test.ts',
    by: 'google: the key comes back in the URL, and goes no further than a header',
  },
];
