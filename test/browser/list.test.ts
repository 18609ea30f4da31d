/** The list of actors, as a browser shows it: narrowed, paged, live, and with nothing in it but text. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { barriers, fillHouse, HOSTILE, openHouse, overflowPx, visit, type BrowserHouse } from './house.js';

let house: BrowserHouse;
beforeAll(async () => {
  house = await openHouse();
  await fillHouse(house);
  await house.runtime.work.enqueueMany(
    Array.from({ length: 130 }, (_each, at) => ({ kind: 'index', payload: { at } })),
  );
});
afterAll(() => house.close());

/** The addresses that are shown, once the list says that it has looked. */
async function shown(page: Page): Promise<readonly string[]> {
  await page
    .getByRole('status')
    .filter({ hasText: /actor|shown/ })
    .waitFor();
  return page.locator('.who > a').allTextContents();
}

test('filters narrow it together, are in the address, and a link shows the same', async () => {
  const { page, faults } = await visit(house, { hash: '#/actors' });
  await page.locator('tr[data-address="order/1"]').waitFor();
  await page.getByLabel('Kind').selectOption('order');
  await page.waitForURL('**/#/actors?kind=order');
  await page.locator('tr[data-address^="delivery/"]').first().waitFor({ state: 'detached' });
  expect(await shown(page)).toEqual(['order/1', 'order/2', 'order/3']);
  await page.getByRole('combobox', { name: 'State', exact: true }).selectOption('open.waiting');
  await page.locator('tr[data-address="order/2"]').waitFor({ state: 'detached' });
  expect(await shown(page)).toEqual(['order/1', 'order/3']);
  await page.getByLabel('Status').selectOption('quarantined');
  await page.locator('tr[data-address="order/1"]').waitFor({ state: 'detached' });
  expect(await shown(page)).toEqual(['order/3']);
  expect(page.url()).toContain('#/actors?kind=order&state=open.waiting&status=quarantined');
  await page.reload();
  expect(await shown(page)).toEqual(['order/3']);
  await page.getByRole('link', { name: 'Clear' }).click();
  await page.locator('tr[data-address="order/1"]').waitFor();
  expect(faults).toEqual([]);
});

test.each([
  ['text', { text: 'BICYCLE through' }, /^job\//],
  ['session', { kind: 'job', session: 'telegram:42' }, /^job\//],
  ['provider', { provider: 'openai', text: 'moss' }, /^job\//],
] as const)('it is narrowed by %s', async (_name, words, address) => {
  const { page } = await visit(house, { hash: `#/actors?${new URLSearchParams(words).toString()}` });
  const lines = await shown(page);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(address);
});

test('it is narrowed by how long they have been in their state, and says so when none fits', async () => {
  const { page } = await visit(house, { hash: '#/actors?kind=order' });
  await page.locator('tr[data-address="order/1"]').waitFor();
  await page.getByLabel('In its state for').selectOption({ label: 'an hour' });
  await page.getByText('No actor fits these filters.').waitFor();
  expect(page.url()).toContain('olderMs=3600000');
});

test('letters that are typed narrow it, and are one step on the way back', async () => {
  const { page } = await visit(house, { hash: '#/actors?kind=job' });
  const filter = page.getByLabel('Text');
  await page.locator('tr[data-address^="job/"]').nth(3).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('harbour ');
  await page.waitForURL('**&text=harbour');
  await page.keyboard.type('at');
  await page.waitForURL('**&text=harbour+at');
  expect(await filter.inputValue()).toBe('harbour at');
  await page.locator('tr[data-address^="job/"]').nth(1).waitFor({ state: 'detached' });
  expect(await shown(page)).toHaveLength(1);
});

test('what somebody wrote is text: it runs nowhere, and asks nobody', async () => {
  const { page, faults } = await visit(house, { hash: '#/actors?text=snail' });
  const [address = ''] = await shown(page);
  expect(await page.locator('.title').textContent()).toBe(HOSTILE);
  for (const hash of [`#/story?address=${address}`, `#/actor?address=${address}`, '#/activity']) {
    await page.goto(`${house.origin}/${hash}`);
    await page.locator('h1').waitFor();
  }
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  expect(faults).toEqual([]);
});

test('a page has a hundred lines and leads to the next, and back', async () => {
  const { page } = await visit(house, { hash: '#/actors?kind=work' });
  const first = await shown(page);
  expect(first).toHaveLength(100);
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.waitForURL('**cursor=**');
  await page.locator('tr[data-address]').nth(40).waitFor({ state: 'detached' });
  const second = await shown(page);
  expect(second).toHaveLength(31);
  expect(second.filter((address) => first.includes(address))).toEqual([]);
  await page.getByRole('link', { name: 'First page' }).click();
  await page.locator('tr[data-address]').nth(99).waitFor();
  expect(await shown(page)).toEqual(first);
});

test('lines follow the jobs while they run, and new ones are offered, not pushed in', async () => {
  const { page, faults } = await visit(house, { hash: '#/actors?kind=job' });
  await page.locator('tr[data-address^="job/"]').nth(3).waitFor();
  const job = await house.longFilm('a film that begins while it is looked at');
  await page.getByRole('button', { name: '1 new: show' }).click();
  const line = page.locator(`tr[data-address="job/${job.id}"]`);
  await line.filter({ hasText: 'pending' }).waitFor();
  await job.cancel();
  await line.filter({ hasText: 'settled.outcome.cancelled' }).waitFor();
  expect(Number(await line.getAttribute('data-step'))).toBeGreaterThan(1);
  expect(faults).toEqual([]);
});

test('arrow keys go from line to line, and Enter opens one', async () => {
  const { page } = await visit(house, { hash: '#/actors?kind=order' });
  await page.getByRole('link', { name: 'order/1', exact: true }).focus();
  await page.keyboard.press('ArrowDown');
  expect(await page.locator(':focus').textContent()).toBe('order/2');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/#/actor?address=order%2F2');
});

test('nothing of it keeps anybody out, light or dark, wide or narrow', async () => {
  for (const look of [{}, { dark: true, width: 390 }]) {
    const { page } = await visit(house, { hash: '#/actors?kind=job', ...look });
    await page.locator('tr[data-address^="job/"]').first().waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(await overflowPx(page)).toBe(0);
  }
});
