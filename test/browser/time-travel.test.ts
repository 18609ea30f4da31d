/** Through the kept steps of an actor: the chart lights up, what changed is told, the address says where. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { barriers, openHouse, visit, type BrowserHouse } from './house.js';
import { picture } from './pictures.js';

let house: BrowserHouse;
beforeAll(async () => {
  house = await openHouse();
  house.letCharges(1);
  const trip = await house.order('trip');
  await trip.send({ type: 'note', text: 'gift wrap' });
  await trip.send({ type: 'pay' });
  await stateOf('order/trip', 'paid');
  await trip.send({ type: 'ship' });
});
afterAll(() => house.close());

async function stateOf(address: string, value: string): Promise<void> {
  for (let looks = 0; looks < 1_000; looks += 1) {
    if ((await house.runtime.inspection.actor(address)).value === value) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${address} is not in ${value}`);
}

const lit = (page: Page, state: string) => page.locator(`[data-state="${state}"][data-active]`);
const taken = (page: Page, edge: string) => page.locator(`.way[data-edge="${edge}"][data-taken]`);
const words = (page: Page, text: string) => page.locator('.scrubber-words', { hasText: text });

test('at each step of a finished actor its chart, its event and what changed are shown', async () => {
  const { page, faults } = await visit(house, { hash: '#/actor?address=order/trip&seq=1' });
  await lit(page, 'open.waiting').waitFor();
  await page.locator('.step-detail h3', { hasText: '1 created' }).waitFor();
  const scrubber = page.getByRole('slider', { name: 'Step' });
  await scrubber.press('ArrowRight');
  await page.locator('.diff-added', { hasText: 'added: notes[0] "gift wrap"' }).waitFor();
  await page.waitForURL(({ hash }) => hash.includes('seq=2'));
  await scrubber.press('ArrowRight');
  await lit(page, 'open.charging').waitFor();
  await taken(page, 'open.waiting|pay|open.charging').waitFor();
  expect(await lit(page, 'open.waiting').count()).toBe(0);
  await page.locator('.asks li', { hasText: 'effect charge' }).waitFor();
  await scrubber.press('ArrowRight');
  await lit(page, 'paid').waitFor();
  await page.locator('.diff-added', { hasText: 'added: receipt "receipt-1"' }).waitFor();
  await page
    .locator('.facts div', { hasText: 'cause' })
    .getByRole('link', { name: 'order/trip · 3' })
    .waitFor();
  const commit = page.locator('.facts div', { hasText: 'commit' });
  expect(await commit.innerText()).toMatch(/^commit\s+\d+, \d+ ms later$/);
  await picture(page, 'time-travel');
  await scrubber.press('End');
  await lit(page, 'shipped').waitFor();
  await words(page, 'Step 5 of 5').waitFor();
  await page.waitForURL(({ hash }) => !hash.includes('seq='));
  await scrubber.press('Home');
  await lit(page, 'open.waiting').waitFor();
  expect(faults).toEqual([]);
});

test('the step of the address is asked for, no other, and each once however often it is passed', async () => {
  const asked: string[] = [];
  house.page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname.endsWith('/v1/actors/step')) asked.push(searchParams.get('seq') ?? '');
  });
  const { page } = await visit(house, { hash: '#/actor?address=order/trip&seq=3' });
  const shown = (seq: number) =>
    page
      .locator('.step-diff[aria-busy="false"]')
      .and(page.locator(`[data-seq="${seq}"]`))
      .waitFor();
  await shown(3);
  expect(asked).toEqual(['3']);
  for (const seq of [2, 1, 2, 3, 4, 3]) {
    await page.locator(`.step-row:nth-child(${seq})`).click();
    await shown(seq);
  }
  expect(asked).toEqual(expect.arrayContaining(['1', '2', '4']));
  expect(asked.toSorted()).toEqual([...new Set(asked)].toSorted());
});

test('who went back stays there, and is told what came since', async () => {
  const order = await house.order('busy');
  await order.send({ type: 'note', text: 'one' });
  const { page } = await visit(house, { hash: '#/actor?address=order/busy&seq=1' });
  await words(page, 'Step 1 of 2').waitFor();
  await order.send({ type: 'note', text: 'two' });
  await page.getByRole('button', { name: '1 newer' }).waitFor();
  await words(page, 'Step 1 of 3').waitFor();
  await page.getByRole('button', { name: '1 newer' }).click();
  await words(page, 'Step 3 of 3').waitFor();
  await order.send({ type: 'note', text: 'three' });
  await words(page, 'Step 4 of 4').waitFor();
});

test('it moves by keys from anywhere, and plays from the first step to the newest', async () => {
  const { page } = await visit(house, { hash: '#/actor?address=order/trip' });
  await words(page, 'Step 5 of 5').waitFor();
  await page.keyboard.press('ArrowLeft');
  await words(page, 'Step 4 of 5').waitFor();
  await page.keyboard.press('End');
  await words(page, 'Step 5 of 5').waitFor();
  // Each is shown for half a second: who looks now and then misses some on a busy machine.
  await page.evaluate(`{
    const line = document.querySelector('.scrubber-words');
    window.seen = [];
    const look = () => window.seen.push(line.textContent.slice(0, 11));
    new MutationObserver(look).observe(line, { characterData: true, childList: true, subtree: true });
  }`);
  await page.getByRole('button', { name: 'Play' }).click();
  const isOver = `seen.includes('Step 1 of 5') && seen.at(-1) === 'Step 5 of 5'`;
  await expect.poll(() => page.evaluate<boolean>(isOver), { timeout: 60_000 }).toBe(true);
  await page.getByRole('button', { name: 'Play' }).waitFor();
  const seen = await page.evaluate<readonly string[]>('seen');
  expect([...new Set(seen)]).toEqual([1, 2, 3, 4, 5].map((seq) => `Step ${seq} of 5`));
});

test('tabs and steps are for the keyboard too, and nothing of it keeps anybody out', async () => {
  const { page } = await visit(house, { hash: '#/actor?address=order/trip', dark: true });
  await page.getByRole('tab', { name: 'Now' }).focus();
  // Twice before it is drawn again: as quick as a hand, on a slow machine.
  await page.evaluate(`for (const key of ['ArrowRight', 'ArrowRight'])
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))`);
  await page.getByRole('tab', { name: 'Context', selected: true }).press('ArrowLeft');
  await page.getByRole('tab', { name: 'Steps', selected: true }).waitFor();
  await page.locator('.step-row', { hasText: 'pay' }).press('Enter');
  await words(page, 'Step 3 of 5').waitFor();
  await page.locator('.step-diff[data-seq="3"]').waitFor();
  expect(await barriers(page)).toEqual([]);
});
