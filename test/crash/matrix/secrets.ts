/**
 * Secrets that can be recognised wherever they turn up, and everything a run leaves behind to look for them
 * in.
 *
 * Callers: the scan. Invariant: what is looked for was really used: it is collected where it passes, and an
 * empty collection fails the scan.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DirectCalls, HttpResponse, ProviderAdapter } from '../../../src/providers/index.js';
import { openLevelStore } from '../../../src/store/index.js';

const PAGES_MAX = 1_000;
/** What is shorter could be anybody's. */
const SECRET_CHARS_MIN = 12;

/** What an adapter sends and is sent that nobody may see. */
export class Secrets {
  readonly #found = new Map<string, string>();

  add(what: string, ...secrets: readonly string[]): void {
    for (const secret of secrets) if (secret.length >= SECRET_CHARS_MIN) this.#found.set(secret, what);
  }

  /** How many there are of each sort. */
  count(what: string): number {
    return [...this.#found.values()].filter((one) => one === what).length;
  }

  /** Their sorts, of those that are in a text. */
  in(text: string): readonly string[] {
    return [...this.#found].flatMap(([secret, what]) => (text.includes(secret) ? [what] : []));
  }

  /** The adapter, overheard. */
  wrap(adapter: ProviderAdapter): ProviderAdapter {
    const heard = <R extends HttpResponse>(response: R): R => {
      this.#hear(response.text);
      return response;
    };
    return {
      ...adapter,
      credential: async (alias) => {
        const credential = await adapter.credential(alias);
        for (const value of Object.values(credential?.headers ?? {})) {
          this.add('credential', value.split(' ').at(-1) ?? '');
        }
        return credential;
      },
      buildSubmit: (request, context) => {
        this.add('hook', context.callbackUrl?.split('.').at(-1) ?? '');
        return adapter.buildSubmit(request, context);
      },
      parseSubmit: (response, ...more) => adapter.parseSubmit(heard(response), ...more),
      parsePoll: (response, ...more) => adapter.parsePoll(heard(response), ...more),
      ...(adapter.direct === undefined ? {} : { direct: this.#direct(adapter.direct) }),
      ...(adapter.parseMore === undefined
        ? {}
        : { parseMore: (response, ref) => adapter.parseMore?.(heard(response), ref) ?? never() }),
    };
  }

  /** One that makes the calls itself shows what it found alone. */
  #direct(direct: DirectCalls): DirectCalls {
    return {
      submit: (request, context) => direct.submit(request, context),
      poll: async (ref, context) => {
        const outcome = await direct.poll(ref, context);
        this.#hear(JSON.stringify(outcome));
        return outcome;
      },
    };
  }

  #hear(text: string): void {
    for (const [, query = ''] of text.matchAll(/https?:\/\/[^\s"?]+\?([^\s"]+)/g)) {
      const values = query.split('&').map((pair) => pair.split('=')[1] ?? '');
      this.add('signed URL', ...values);
    }
  }
}

function never(): never {
  throw new Error('there was one a moment ago');
}

/** Every byte below a directory but the runtime's own secret, by file, and every row of its store. */
export async function remains(directory: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || basename(path) === 'secret') continue;
    found.set(`the file ${path.slice(directory.length)}`, await readFile(path, 'latin1'));
  }
  const store = await openLevelStore({ directory, purpose: 'look' });
  try {
    let gte = '\0';
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const rows = await store.scan({ gte, lt: '\uffff', limit: 1_000 });
      for (const [key, text] of rows) found.set(`the row ${key}`, text);
      const last = rows.at(-1);
      if (last === undefined) return found;
      gte = `${last[0]}\0`;
    }
    throw new Error('more rows than a test may write');
  } finally {
    await store.close();
  }
}
