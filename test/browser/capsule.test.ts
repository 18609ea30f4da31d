/** A capsule dropped on the page: shown as an actor, and stored nowhere. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { barriers, openHouse, visit, type BrowserHouse } from './house.js';

let house: BrowserHouse;
let text = '';
beforeAll(async () => {
  house = await openHouse();
  const order = await house.order('packed');
  await order.send({ type: 'note', text: 'gift wrap' });
  await order.send({ type: 'pay' });
  text = JSON.stringify(await house.runtime.export('order/packed'));
});
afterAll(() => house.close());

/** As a hand would: over the window, then let go. */
function drop(page: Page, name: string, content: string): Promise<void> {
  return page.evaluate(
    `(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([${JSON.stringify(content)}], ${JSON.stringify(name)}));
      for (const type of ['dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    })()`,
  );
}

test('a file dropped anywhere is shown, with its chart, its steps and its sandbox', async () => {
  const before = await house.runtime.inspection.population();
  const { page, faults } = await visit(house);
  await page.locator('[data-kind="order"] svg.chart').waitFor();
  await drop(page, 'packed.capsule.json', text);
  await page.waitForURL('**/#/capsule*');
  await page.getByRole('heading', { name: 'order/packed' }).waitFor();
  await page.locator('[data-state="open.charging"][data-active]').waitFor();
  await page.getByText('no time passes for a file').waitFor();
  expect(await page.locator('.actor-head .view-head').innerText()).not.toMatch(/\bfor \d|just now/);
  await page.getByRole('slider', { name: 'Step' }).press('ArrowLeft');
  await page.locator('[data-state="open.waiting"][data-active]').waitFor();
  await page.locator('.diff-added', { hasText: 'gift wrap' }).waitFor();
  await page.getByRole('tab', { name: 'What if' }).click();
  await page.getByRole('textbox', { name: 'As JSON' }).fill('{"type": "note", "text": "twice"}');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.locator('.diff-added', { hasText: 'added: notes[1] "twice"' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  expect((await house.runtime.inspection.population()).kinds).toEqual(before.kinds);
  expect(faults).toEqual([]);
});

test('a file that is no capsule is refused with its code, and the next one is shown', async () => {
  const { page } = await visit(house, { hash: '#/capsule', width: 390 });
  const file = (name: string, content: string) => ({
    ...{ name, mimeType: 'application/json' },
    buffer: Buffer.from(content),
  });
  const input = page.locator('input[type="file"]');
  await input.setInputFiles(file('poem.json', 'roses are red'));
  await page.locator('.trouble code', { hasText: 'CAPSULE_INVALID' }).waitFor();
  await input.setInputFiles(file('changed.json', text.replace('gift wrap', 'gift map')));
  await page.locator('.trouble code', { hasText: 'CAPSULE_ALTERED' }).waitFor();
  await input.setInputFiles(file('packed.capsule.json', text));
  await page.getByRole('heading', { name: 'order/packed' }).waitFor();
});
