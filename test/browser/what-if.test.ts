/** What if: a path that nobody took, beside the one that was, and the test that says it. */
import { text as textIn } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barriers, openHouse, visit, type BrowserHouse } from './house.js';

let house: BrowserHouse;
beforeAll(async () => {
  house = await openHouse();
  const order = await house.order('fork');
  await order.send({ type: 'note', text: 'gift wrap' });
});
afterAll(() => house.close());

test('events taken in the sandbox lead elsewhere than what came, and are saved as a test', async () => {
  const { page, faults } = await visit(house, { hash: '#/actor?address=order/fork&seq=1&tab=what-if' });
  const apply = page.getByRole('button', { name: 'Apply' });
  const json = page.getByRole('textbox', { name: 'As JSON' });
  await json.fill('{"type": "pay"}');
  await apply.click();
  await page.locator('[data-state="open.charging"][data-supposed]').waitFor();
  await page.locator('[data-state="open.waiting"][data-active]').waitFor();
  await page.locator('.way[data-edge="open.waiting|pay|open.charging"][data-would]').waitFor();
  const first = page.locator('.paths tbody tr').first();
  expect(await first.locator('td').allInnerTexts()).toEqual([
    '2',
    'pay\n→ open.charging',
    'note\n→ open.waiting',
  ]);
  await page.locator('.asks li', { hasText: 'effect charge' }).waitFor();
  await json.fill('{"type": "note", "text": "quick"}');
  await apply.click();
  await page.locator('.diff-added', { hasText: 'added: notes[0] "quick"' }).waitFor();

  const [saved] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save as test' }).click(),
  ]);
  const [capsule] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Its capsule' }).click(),
  ]);
  const text = await textIn(await saved.createReadStream());
  expect(text).toContain("from 'vitest'");
  expect(text).toContain(capsule.suggestedFilename());
  expect(text).toContain('{"type":"pay"}');
  expect(text).toContain('{"open":"charging"}');
  const kept = JSON.parse(await textIn(await capsule.createReadStream())) as Record<string, unknown>;
  expect(JSON.stringify(kept)).toContain('gift wrap');

  await page.getByRole('button', { name: 'Undo one' }).click();
  await page.locator('.paths tbody tr').nth(1).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Begin anew' }).click();
  await page.locator('[data-supposed]').first().waitFor({ state: 'detached' });
  expect((await house.runtime.inspection.actor('order/fork')).seq).toBe(2);
  expect(faults).toEqual([]);
});

test('what nothing takes, what throws and what is no event are told', async () => {
  const { page } = await visit(house, { hash: '#/actor?address=order/fork&tab=what-if' });
  const apply = page.getByRole('button', { name: 'Apply' });
  const json = page.getByRole('textbox', { name: 'As JSON' });
  await json.fill('{"kind": 1}');
  await apply.click();
  await page.getByText('It is no event: an object with a "type"').waitFor();
  await json.fill('{"type": "ship"}');
  await apply.click();
  await page.getByText('nothing takes it').waitFor();
  await page.getByRole('button', { name: 'Begin anew' }).click();
  await page.locator('.paths').waitFor({ state: 'detached' });
  await json.fill('{"type": "break"}');
  await apply.click();
  await page.locator('.trouble', { hasText: 'a bug in a guard' }).waitFor();
  expect(await barriers(page)).toEqual([]);
});

test('an actor that goes on meanwhile does not disturb it: what came is shown beside', async () => {
  const order = await house.order('moving');
  const { page } = await visit(house, { hash: '#/actor?address=order/moving&tab=what-if' });
  await page.getByRole('textbox', { name: 'As JSON' }).fill('{"type": "pay"}');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.locator('[data-state="open.charging"][data-supposed]').waitFor();
  await order.send({ type: 'note', text: 'meanwhile' });
  await page.locator('.paths td', { hasText: 'note' }).waitFor();
  await page.getByText('begins at step 1').waitFor();
  await page.getByRole('button', { name: 'Begin anew' }).click();
  await page.getByText('begins at step 2').waitFor();
});
