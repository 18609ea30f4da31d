/** Acts from the page: under a name, with a form, once more asked for, and refused with their code. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barriers, openHouse, visit, type BrowserHouse } from './house.js';

let house: BrowserHouse;
beforeAll(async () => {
  house = await openHouse({ allowActions: true });
});
afterAll(() => house.close());

test('a job is cancelled under the name of who did it, and the page follows', async () => {
  const job = await house.longFilm('a very long film about moss');
  const address = `job/${job.id}`;
  const hash = `#/actor?address=${encodeURIComponent(address)}`;
  const { page, faults } = await visit(house, { hash });
  await page.getByRole('button', { name: /^Cancel/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('It ends something, or pays for something.').waitFor();
  await dialog.getByRole('button', { name: /^Cancel/ }).click();
  await dialog.getByText('your name is required').waitFor();
  await dialog.getByLabel('Your name').fill('mira');
  await dialog.getByRole('button', { name: /^Cancel/ }).click();
  await page.getByText(/: done, as mira\./).waitFor();
  await page.locator('[data-state="settled.outcome.cancelled"][data-active]').waitFor();
  const { items } = await house.runtime.inspection.steps(address);
  expect(items.filter(({ source }) => source === 'operator:mira').map(({ event }) => event.type)).toEqual([
    'job.cancel',
  ]);
  expect(faults).toEqual([]);
});

test('a dialog is left by Escape; the name is remembered, the form becomes the event', async () => {
  await house.order('noted');
  const { page } = await visit(house, { hash: '#/actor?address=order/noted', width: 390 });
  await page.getByRole('button', { name: /^pay/ }).click();
  await page.getByRole('dialog').waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect((await house.runtime.inspection.actor('order/noted')).seq).toBe(1);
  for (const text of ['first', 'second']) {
    await page.getByRole('button', { name: /^note/ }).click();
    const dialog = page.getByRole('dialog');
    const name = dialog.getByLabel('Your name');
    if (text === 'first') await name.fill('mira');
    else expect(await name.inputValue()).toBe('mira');
    await dialog.getByRole('textbox').first().fill(JSON.stringify({ text }));
    await dialog.getByRole('button', { name: 'note' }).click();
    await dialog.waitFor({ state: 'detached' });
  }
  await page.getByRole('tab', { name: 'Context' }).click();
  await page.locator('.json-text', { hasText: 'second' }).waitFor();
});

test('an act whose time is over is refused with its code', async () => {
  const order = await house.order('late');
  const { page } = await visit(house, { hash: '#/actor?address=order/late' });
  await page.getByRole('button', { name: /^pay/ }).click();
  await order.send({ type: 'pay' });
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your name').fill('mira');
  await dialog.getByRole('button', { name: 'pay' }).click();
  await page.locator('.trouble code', { hasText: 'ACT_UNKNOWN' }).waitFor();
  await page.locator('[data-state="open.charging"][data-active]').waitFor();
});

test('an act that comes too late is refused; one that was not answered is done once', async () => {
  const { work } = house.runtime;
  const { id } = await work.enqueue('index', {});
  const address = `work/${id}`;
  const fails = async (): Promise<void> => {
    const claim = await work.claimNext();
    await work.fail(claim?.token ?? '', new Error('no'), { retry: false });
  };
  await fails();
  const { page } = await visit(house, { hash: `#/actor?address=${encodeURIComponent(address)}` });
  const retried = page.getByRole('button', { name: 'Retry …' });
  const submitted = page.getByRole('dialog').getByRole('button', { name: 'Retry' });
  await retried.click();
  await page.getByRole('dialog').getByLabel('Your name').fill('mira');
  // A colleague was faster, and it has failed again.
  await work.retry(id);
  await fails();
  await submitted.click();
  await page.locator('.trouble code', { hasText: 'ACT_STALE' }).waitFor();
  await page.locator('input[aria-label="Step"][max="5"]').waitFor();

  await page.route(
    '**/v1/actors/act',
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await retried.click();
  await submitted.click();
  await page.getByText('it is not known whether it was done').waitFor();
  await page.getByRole('button', { name: 'Ask again' }).click();
  await page.getByText(/: done, as mira\./).waitFor();
  const { items } = await house.runtime.inspection.steps(address);
  expect(items.filter(({ source }) => source === 'operator:mira').map(({ event }) => event.type)).toEqual([
    'work.retry',
  ]);
});
