/** The page around its views: its token, its keys, its looks, its connection; stories and activity. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barriers, fillHouse, openHouse, overflowPx, visit, type BrowserHouse } from './house.js';

let house: BrowserHouse;
/** Of a film that is done and delivered. */
let address = '';
beforeAll(async () => {
  house = await openHouse();
  await fillHouse(house);
  const [film] = (await house.runtime.inspection.list({ kind: 'job', text: 'harbour' })).items;
  address = film?.address ?? '';
});
afterAll(() => house.close());

test('the token leaves the address bar, and a cookie that no script reads opens what follows', async () => {
  const { page, context } = await visit(house, { hash: '#/actors?kind=order' });
  await page.locator('tr[data-address="order/1"]').waitFor();
  expect(page.url()).toBe(`${house.origin}/#/actors?kind=order`);
  expect(await page.evaluate('document.cookie')).toBe('');
  const cookies = await context.cookies();
  expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }]);
  await page.reload();
  await page.locator('tr[data-address="order/1"]').waitFor();
});

test('whoever comes without the token sees nothing', async () => {
  const context = await house.browser.newContext();
  const page = await context.newPage();
  const answer = await page.goto(`${house.origin}/#/actors`);
  expect(answer?.status()).toBe(401);
  expect(await page.locator('body').textContent()).not.toContain('order');
  await context.close();
});

test('it is dark where the system is, until somebody chooses, and remembers that', async () => {
  const { page } = await visit(house, { dark: true, hash: '#/activity' });
  const ground = (): Promise<string> =>
    page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
  const dark = await ground();
  await page.getByRole('button', { name: 'Theme: auto' }).click();
  await page.getByRole('button', { name: 'Theme: light' }).waitFor();
  const light = await ground();
  expect(light).not.toBe(dark);
  await page.reload();
  await page.getByRole('button', { name: 'Theme: light' }).waitFor();
  expect(await ground()).toBe(light);
  await page.getByRole('button', { name: 'Theme: light' }).click();
  expect(await ground()).toBe(dark);
});

test('keys lead to the filter and to the list of keys, but not while somebody types', async () => {
  const { page } = await visit(house, { hash: '#/activity' });
  await page.locator('h1').waitFor();
  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keys' });
  await keys.waitFor();
  await page.keyboard.press('Escape');
  await keys.waitFor({ state: 'hidden' });
  await page.keyboard.press('/');
  await page.waitForURL('**/#/actors?focus=filter');
  const filter = page.getByLabel('Text');
  await page.locator('input:focus').waitFor();
  await page.keyboard.type('/?');
  expect(await filter.inputValue()).toBe('/?');
  expect(await keys.isVisible()).toBe(false);
});

test('the first stop of the keyboard skips to the content', async () => {
  const { page } = await visit(house, { hash: '#/activity' });
  await page.locator('h1').waitFor();
  await page.keyboard.press('Tab');
  await page.getByRole('link', { name: 'Skip to the content' }).press('Enter');
  expect(await page.locator(':focus').getAttribute('id')).toBe('main');
  expect(page.url()).toContain('#/activity');
});

test('a lost connection is said, and found again by itself', async () => {
  const { page, faults } = await visit(house, { hash: '#/activity' });
  await page.locator('h1').waitFor();
  await page.route('**/v1/live*', (route) => route.abort());
  await page.reload();
  const lost = page.getByText('The connection is lost');
  await lost.waitFor();
  // Nothing on the page says that it is live meanwhile.
  expect(await page.locator('.mark-live').count()).toBe(0);
  await page.unroute('**/v1/live*');
  await lost.waitFor({ state: 'detached' });
  await house.order('after-the-gap');
  await page.getByRole('link', { name: 'order/after-the-gap', exact: true }).waitFor();
  expect(faults.filter((fault) => !fault.includes('ERR_FAILED'))).toEqual([]);
});

test('a page that the inspector does not know any more says so, and waits for nothing', async () => {
  const { page, context } = await visit(house, { hash: '#/activity' });
  await page.locator('h1').waitFor();
  await page.route('**/v1/live*', (route) => route.abort());
  await page.reload();
  await page.getByText('The connection is lost').waitFor();
  // As a new token would have it.
  await context.clearCookies();
  await page.getByRole('status').getByText('Open the address it has printed').waitFor();
});

test('the newest steps come as they happen, each with its actor, its report and its story', async () => {
  const { page } = await visit(house, { hash: '#/activity' });
  await page.getByText('Nothing has happened yet.').waitFor();
  const order = await house.order('active');
  await order.send({ type: 'pay' });
  const row = page.getByRole('row').filter({ hasText: 'order/active' }).filter({ hasText: 'pay' });
  await row.filter({ hasText: 'open.charging' }).waitFor();
  await row.getByRole('link', { name: 'story of step 2' }).click();
  await page.waitForURL('**/#/story?address=order%2Factive&seq=2');
  await page.locator('.step.is-chosen').waitFor();
});

test('a story shows what one event led to, and each step of it opens', async () => {
  const { page, faults } = await visit(house, { hash: `#/story?address=${address}` });
  const diagram = page.getByRole('group', { name: 'Sequence diagram' });
  await diagram.waitFor();
  expect(await diagram.locator('.story-head a').count()).toBeGreaterThanOrEqual(3);
  expect(await diagram.locator('.arrow:not(.outside)').count()).toBeGreaterThanOrEqual(2);
  await page.getByText('As Mermaid text').click();
  expect(await page.getByLabel('Mermaid text').textContent()).toContain('sequenceDiagram');
  await diagram.getByRole('link', { name: /job\/.*, step 2: / }).click();
  await page.waitForURL(`**/#/actor?address=${encodeURIComponent(address)}&seq=2`);
  expect(faults).toEqual([]);
});

test('nothing of stories and activity keeps anybody out, light or dark, wide or narrow', async () => {
  for (const look of [{}, { dark: true, width: 390 }]) {
    const { page } = await visit(house, { hash: `#/story?address=${address}`, ...look });
    await page.locator('.story-body').waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(await overflowPx(page)).toBe(0);
    await page.goto(`${house.origin}/#/activity`);
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
    await house.order(`seen-${Object.keys(look).length}`);
    await page.locator('table.activity tbody tr').first().waitFor();
    expect(await barriers(page)).toEqual([]);
    expect(await overflowPx(page)).toBe(0);
  }
});

test('a form that a page of another origin sends is refused', async () => {
  const { context } = await visit(house);
  const elsewhere = 'http://127.0.0.1:4001';
  const body = `<form method="post" action="${house.origin}/v1/what-if"><button>win</button></form>`;
  await context.route(`${elsewhere}/`, (route) => route.fulfill({ contentType: 'text/html', body }));
  const other = await context.newPage();
  await other.goto(`${elsewhere}/`);
  const answered = other.waitForResponse(`${house.origin}/v1/what-if`);
  await other.getByRole('button').click();
  const answer = await answered;
  expect(answer.status()).toBe(403);
  expect(await answer.request().allHeaders()).toMatchObject({ origin: elsewhere });
  await other.close();
});
