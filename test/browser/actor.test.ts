/** One actor, as a browser shows it: what it is, why it is there, as it happens, and what cannot be shown. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barriers, HOSTILE, openHouse, overflowPx, visit, type BrowserHouse } from './house.js';
import { picture } from './pictures.js';

let house: BrowserHouse;
let film = '';
let moss = '';
beforeAll(async () => {
  house = await openHouse();
  const hostile = await house.film(HOSTILE);
  await hostile.settled();
  film = `job/${hostile.id}`;
  moss = `job/${(await house.longFilm('a very long film about moss', { sessionKey: 'telegram:42' })).id}`;
  await house.order('1');
  const broken = await house.order('3');
  await broken.send({ type: 'break' }).catch(() => undefined);
});
afterAll(() => house.close());

const hashOf = (address: string, more = ''): string =>
  `#/actor?address=${encodeURIComponent(address)}${more}`;

test('a running job shows why it waits, its chart follows it, and its steps are counted', async () => {
  const { page, faults } = await visit(house, { hash: hashOf(moss) });
  await page.getByRole('heading', { name: moss }).waitFor();
  await page.locator('[data-state="pending"][data-active]').waitFor();
  await page.locator('.why-words', { hasText: 'pending' }).waitFor();
  await page.locator('[data-badge="pending"]', { hasText: 'left' }).waitFor();
  await page.locator('.actor-next', { hasText: 'after nextPoll → polling' }).waitFor();
  expect(await isInView(page, 'pending')).toBe(true);
  const [step = ''] = (await page.locator('.scrubber-words').innerText()).split(' · ');
  await page.locator('.scrubber-words', { hasNotText: step }).waitFor();
  expect(await page.locator('.actor-links li').first().innerText()).toContain('session/telegram:42');
  expect(faults).toEqual([]);
  await picture(page, 'actor');
});

/** In the middle of its box, and not smaller than can be read. */
function isInView(page: Page, state: string): Promise<boolean> {
  return page.evaluate<boolean>(`(() => {
    const box = document.querySelector('.chart-scroll').getBoundingClientRect();
    const state = document.querySelector('[data-state="${state}"] > .box');
    const { left, right, top, bottom, width } = state.getBoundingClientRect();
    const isWithin = left >= box.left && right <= box.right && top >= box.top && bottom <= box.bottom;
    return isWithin && width / Number(state.getAttribute('width')) >= 0.8;
  })()`);
}

test('it follows an order from state to state, with its effect in the badge', async () => {
  const order = await house.order('live');
  const { page, faults } = await visit(house, { hash: hashOf('order/live') });
  await page.locator('[data-state="open.waiting"][data-active]').waitFor();
  await order.send({ type: 'pay' });
  await page.locator('[data-state="open.charging"][data-active]').waitFor();
  await page.locator('[data-badge="open.charging"]', { hasText: 'charge runs' }).waitFor();
  house.letCharges(1);
  await page.locator('[data-state="paid"][data-active]').waitFor();
  expect(await page.locator('[data-state="open"][data-active]').count()).toBe(0);
  expect(faults).toEqual([]);
});

test('a settled job shows what it made, and what somebody wrote is text', async () => {
  const { page, faults } = await visit(house, { hash: hashOf(film) });
  await page.locator('.actor-title', { hasText: HOSTILE }).waitFor();
  const media = page.locator('.artifacts video, .artifacts img').first();
  await media.waitFor();
  const source = (await media.getAttribute('src')) ?? '';
  expect(await page.evaluate(`fetch(${JSON.stringify(source)}).then(({ status }) => status)`)).toBe(200);
  for (const tab of ['Steps', 'Context', 'History', 'What if']) {
    const there = page.getByRole('tab', { name: tab });
    if ((await there.count()) > 0) await there.click();
  }
  expect(await page.locator('img[src="x"], main script').count()).toBe(0);
  expect(faults).toEqual([]);
});

test('an image that a job made is shown, and decodes', async () => {
  const job = await house.painting('a harbour at dawn, in oil');
  await job.settled();
  const { page, faults } = await visit(house, { hash: hashOf(`job/${job.id}`) });
  const image = page.locator('.artifacts img[src^="v1/artifacts/"]');
  await image.scrollIntoViewIfNeeded();
  const width = (): Promise<number> => image.evaluate((img) => Number(Reflect.get(img, 'naturalWidth')));
  await expect.poll(width, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(faults).toEqual([]);
});

test('without leave to act there is no button, and who posts all the same is refused', async () => {
  const { page } = await visit(house, { hash: hashOf('order/1') });
  await page.getByText('--allow-actions').waitFor();
  expect(await page.getByRole('button', { name: /^pay/ }).count()).toBe(0);
  const refused = await page.evaluate(`fetch('v1/actors/act', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: 'order/1', act: 'send:pay', operator: 'me' }),
  }).then(async (response) => [response.status, (await response.json()).error.code])`);
  expect(refused).toEqual([403, 'ACTION_FORBIDDEN']);
});

test('an actor that stands still says why, one that is not there says so', async () => {
  const { page } = await visit(house, { hash: hashOf('order/3') });
  await page.locator('.actor-fault', { hasText: 'a bug in a guard' }).waitFor();
  await page.evaluate(`location.hash = ${JSON.stringify(hashOf('order/none'))}`);
  await page.getByText('There is no such actor').waitFor();
  await page.evaluate("location.hash = '#/actor'");
  await page.getByRole('heading', { name: 'No actor is named' }).waitFor();
});

test('an actor that is removed while it is seen stays, an unreadable one says what helps', async () => {
  const { page } = await visit(house, { hash: hashOf('order/1') });
  await page.locator('[data-state="open.waiting"][data-active]').waitFor();
  const answer = { status: 404, code: 'ACTOR_NOT_FOUND' };
  await page.route('**/v1/actors/actor?*', (route) =>
    route.fulfill({ status: answer.status, json: { error: { code: answer.code, message: 'it is gone' } } }),
  );
  await page.getByText('It has been removed since').waitFor();
  expect(await page.locator('[data-state="open.waiting"][data-active]').count()).toBe(1);
  expect(await barriers(page)).toEqual([]);
  Object.assign(answer, { status: 500, code: 'STORE_CORRUPTED' });
  await page.evaluate(`location.hash = ${JSON.stringify(hashOf('order/3'))}`);
  await page.locator('.trouble code', { hasText: 'STORE_CORRUPTED' }).waitFor();
  await page.getByText('holdfast doctor').waitFor();
});

test('the chart is enlarged and fitted by keys, in its own box', async () => {
  const { page } = await visit(house, { hash: hashOf('order/1'), width: 390 });
  const drawing = page.locator('.chart-scroll svg');
  const width = async (): Promise<number> => Number(await drawing.getAttribute('width'));
  await drawing.waitFor();
  await page.locator('.chart-scroll').press('0');
  await page.getByRole('button', { name: 'Fit', pressed: true }).waitFor();
  await expect.poll(width).toBeLessThan(390);
  await page.locator('.chart-scroll').press('1');
  await page.getByRole('button', { name: '100 %', pressed: true }).waitFor();
  await expect.poll(width).toBeGreaterThan(390);
  expect(await overflowPx(page)).toBe(0);
});

test('nothing of it keeps anybody out, light or dark, wide or narrow', async () => {
  for (const look of [{}, { dark: true, width: 390 }]) {
    const { page } = await visit(house, { hash: hashOf('order/1'), ...look });
    await page.locator('[data-state="open.waiting"][data-active]').waitFor();
    await page.locator('.why-words').waitFor();
    expect(await overflowPx(page)).toBe(0);
    if (look.dark === true) {
      await page.getByRole('tab', { name: 'Context' }).click();
      await page.locator('.json-tree').waitFor();
      expect(await overflowPx(page)).toBe(0);
    }
    expect(await barriers(page)).toEqual([]);
  }
});
