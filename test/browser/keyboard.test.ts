/** Through the page by keyboard alone: each stop is seen, none is a trap. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openHouse, visit, type BrowserHouse } from './house.js';

let house: BrowserHouse;
beforeAll(async () => {
  house = await openHouse();
  const order = await house.order('1');
  await order.send({ type: 'note', text: 'gift wrap' });
  await house.runtime.work.enqueue('index', {});
});
afterAll(() => house.close());

/** More than any view here has. */
const STOPS_MAX = 60;

interface Stop {
  /** Its role or element, and its name. */
  readonly name: string;
  /** A line around it, or around the box of a state in a chart. */
  readonly isSeen: boolean;
}

function stop(page: Page): Promise<Stop> {
  return page.evaluate<Stop>(`(() => {
    const at = document.activeElement;
    const box = at.querySelector(':scope > .box');
    const { outlineStyle, outlineWidth } = getComputedStyle(at);
    const isLined = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
    const isSeen = isLined || (box !== null && Number.parseFloat(getComputedStyle(box).strokeWidth) >= 2);
    const name = at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent ?? '';
    const what = at.getAttribute('role') ?? at.localName;
    return { name: what + ' ' + name.trim().slice(0, 60), isSeen };
  })()`);
}

/** Goes on until it stands on what is named; every stop on the way can be seen. */
async function walkTo(page: Page, name: RegExp, key = 'Tab'): Promise<void> {
  const passed: string[] = [];
  for (let stops = 0; stops < STOPS_MAX; stops += 1) {
    await page.keyboard.press(key);
    const at = await stop(page);
    // Between the last stop and the first one is the window itself.
    if (!/^(body|main) /.test(at.name)) expect(at).toEqual({ ...at, isSeen: true });
    if (name.test(at.name)) return;
    passed.push(at.name);
  }
  throw new Error(`no way to ${String(name)}: ${passed.join(' | ')}`);
}

test('from the population to a kind, an actor, a step, a what-if and back', async () => {
  const { page, faults } = await visit(house);
  await page.locator('[data-kind="order"] svg.chart').waitFor();
  await walkTo(page, /^button order 1$/);
  await page.keyboard.press('Enter');
  await walkTo(page, /^a 1 active$/);
  await page.keyboard.press('Enter');
  await page.locator('tr[data-address="order/1"]').waitFor();
  await walkTo(page, /^a order\/1$/);
  await page.keyboard.press('Enter');
  const words = (text: string) => page.locator('.scrubber-words', { hasText: text });
  await words('Step 2 of 2').waitFor();
  await page.locator('[data-state="open.waiting"][data-active]').waitFor();

  await walkTo(page, /^input Step$/);
  await page.keyboard.press('ArrowLeft');
  await words('Step 1 of 2').waitFor();
  await page.getByRole('tab', { name: 'Steps', selected: true }).waitFor();
  await walkTo(page, /^tab Steps$/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tab', { name: 'What if', selected: true }).waitFor();
  await page.getByRole('textbox', { name: 'As JSON' }).waitFor();
  await walkTo(page, /^button Apply$/);
  await page.keyboard.press('Enter');
  await page.locator('.paths tbody tr').waitFor();

  await walkTo(page, /^a Population$/, 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Population' }).waitFor();
  expect(faults).toEqual([]);
});
