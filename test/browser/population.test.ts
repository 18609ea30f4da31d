/** The population, as a browser shows it: counts on charts, in tables, and as they change. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barriers, fillHouse, openHouse, overflowPx, visit, type BrowserHouse } from './house.js';
import { picture } from './pictures.js';

let house: BrowserHouse;
beforeAll(async () => {
  house = await openHouse();
  await fillHouse(house);
});
afterAll(() => house.close());

/** The count on a state of the chart of orders. */
const onChart = (state: string): string => `[data-kind="order"] [data-state="${state}"] .pill text`;
const inTable = (state: string): string => `[data-kind="order"] [data-row="${state}"] [data-count]`;

test('each state of a chart has the number of actors in it, a compound one the sum of its own', async () => {
  const { page, faults } = await visit(house);
  expect(await page.locator(onChart('open.waiting')).textContent()).toBe('2');
  expect(await page.locator(onChart('open.charging')).textContent()).toBe('1');
  expect(await page.locator(onChart('open')).textContent()).toBe('3');
  expect(await page.locator(onChart('paid')).count()).toBe(0);
  expect(await page.locator(inTable('open.waiting')).textContent()).toBe('2');
  const slowest = page.locator('[data-kind="order"] [data-row="open.waiting"] .slowest a');
  expect(await slowest.textContent()).toMatch(/\sm?s 2$/);
  expect(await slowest.getAttribute('href')).toContain(encodeURIComponent('order/2'));
  expect(await page.locator('[data-total]').textContent()).toBe('14 actors of 6 kinds');
  expect(await page.getByRole('link', { name: '1 in quarantine' }).count()).toBe(1);
  expect(faults).toEqual([]);
});

test('a state leads to the actors in it, by mouse and by keyboard', async () => {
  const { page } = await visit(house);
  const waiting = page.locator('[data-kind="order"] [data-state="open.waiting"]');
  await waiting.click();
  await page.waitForURL('**/#/actors?kind=order&state=open.waiting');
  await page.locator('tr[data-address="order/1"]').waitFor();
  expect(await page.locator('tbody tr').count()).toBe(2);
  await page.goBack();
  await page.locator('[data-kind="order"] [data-state="open.charging"]').press('Enter');
  await page.waitForURL('**/#/actors?kind=order&state=open.charging');
});

test('counts follow what happens, without a reload', async () => {
  const { page, faults } = await visit(house);
  await page.locator(onChart('open.waiting')).waitFor();
  const order = await house.order('to-pay');
  await page.locator(onChart('open.waiting')).filter({ hasText: '3' }).waitFor();
  await order.send({ type: 'pay' });
  await page.locator(onChart('open.charging')).filter({ hasText: '2' }).waitFor();
  await page.locator(inTable('open.charging')).filter({ hasText: '2' }).waitFor();
  house.letCharges(2);
  await page.locator(onChart('paid')).filter({ hasText: '2' }).waitFor();
  expect(await page.locator(onChart('open.charging')).count()).toBe(0);
  expect(faults).toEqual([]);
});

const ORDER_BOX = `document.querySelector('[data-kind="order"] .chart-scroll')`;

/** From its middle, as a mouse does, in two moves. */
async function dragLeft(page: Page, box: string, px: number): Promise<void> {
  const [x = 0, y = 0] = await page.evaluate<number[]>(`(() => {
    ${box}.scrollIntoView({ block: 'center' });
    ${box}.scrollLeft = 0;
    const { left, top, width, height } = ${box}.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  })()`);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - px / 2, y);
  await page.mouse.move(x - px, y);
  await page.mouse.up();
}

test('charts are enlarged and fitted by keys, and dragged, in their own box', async () => {
  const { page } = await visit(house, { width: 390 });
  const drawing = page.locator('[data-kind="order"] svg.chart');
  await drawing.waitFor();
  const width = async (): Promise<number> => Number(await drawing.getAttribute('width'));
  const fitted = await width();
  expect(fitted).toBeLessThan(390);
  await page.locator('[data-kind="order"] .chart-scroll').press('1');
  await page.getByRole('button', { name: '100 %', pressed: true }).first().waitFor();
  expect(await width()).toBeGreaterThan(fitted);
  expect(await overflowPx(page)).toBe(0);
  await dragLeft(page, ORDER_BOX, 120);
  expect(await page.evaluate(`${ORDER_BOX}.scrollLeft`)).toBe(120);
  expect(page.url()).toMatch(/#\/$/);
  await page.keyboard.press('0');
  await page.getByRole('button', { name: 'Fit', pressed: true }).first().waitFor();
  expect(await width()).toBe(fitted);
});

test('nothing of it keeps anybody out, light or dark, wide or narrow', async () => {
  for (const look of [{}, { dark: true, width: 390 }]) {
    const { page } = await visit(house, look);
    await page.locator('[data-kind="order"] svg.chart').waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(await overflowPx(page)).toBe(0);
  }
});

test('where nobody is yet, it says how somebody comes', async () => {
  const { page } = await visit(house, { hash: '#/activity' });
  const json = { live: true, quarantined: 0, kinds: [] };
  await page.route('**/v1/population', (route) => route.fulfill({ json }));
  await page.getByRole('link', { name: 'Population' }).click();
  await page.getByRole('heading', { name: 'There is no actor here yet.' }).waitFor();
  await page.getByText('holdfast work add').waitFor();
  expect(await page.locator('[data-total]').count()).toBe(0);
});

test('its picture is in the documents', async () => {
  const orders = await Promise.all(Array.from({ length: 40 }, (_each, at) => house.order(`shown-${at}`)));
  const paid = orders.slice(0, 14);
  await Promise.all(paid.map((order) => order.send({ type: 'pay' })));
  house.letCharges(paid.length);
  await Promise.all(orders.slice(14, 23).map((order) => order.send({ type: 'pay' })));
  const { page } = await visit(house);
  await page.locator(onChart('paid')).filter({ hasText: '16' }).waitFor();
  await page.locator(onChart('open.charging')).filter({ hasText: '9' }).waitFor();
  await picture(page, 'population');
});
