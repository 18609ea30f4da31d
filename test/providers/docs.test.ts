/** docs/providers.md: its table is what the adapters declare, and every provider has a page. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { ProviderAdapter } from '../../src/providers/index.js';
import { every } from './every.js';

const place = { url: 'https://simulator.example.com', clock: systemClock, env: () => ({}) };
/** As it is without options: of two generations the first. */
const adapters = new Map(
  Object.values(every)
    .toReversed()
    .map((entry) => {
      const adapter = entry.adapter(place);
      return [adapter.id, adapter] as const;
    }),
);
const text = readFileSync('docs/providers.md', 'utf8');
const HOURS = 3_600_000;

test.each([...adapters])('%s is in the table as it declares itself, and has a page', (id, adapter) => {
  const columns = (row: string): string => row.replaceAll(/ +/g, ' ').replaceAll(/-+/g, '-');
  expect(columns(text)).toContain(columns(rowOf(adapter)));
  expect(existsSync(`docs/providers/${id}.md`)).toBe(true);
});

function rowOf({ id, capabilities, reconcile }: ProviderAdapter): string {
  const { kinds, webhook, cancel, pollMinMs, urlTtlMs } = capabilities;
  const lifetime = urlTtlMs === undefined ? 'not said' : `${urlTtlMs / HOURS} h`;
  const columns = [kinds.join(', '), reconcile.by, webhook, cancel, `${pollMinMs / 1_000} s`, lifetime];
  return `| [\`${id}\`](providers/${id}.md) | ${columns.join(' | ')} |`;
}
