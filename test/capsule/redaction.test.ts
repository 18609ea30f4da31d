/** What leaves in a capsule, what does not, and that its hashes notice any change. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Capsule } from '../../src/actors/capsule/capsule.js';
import type { Visit } from '../../src/actors/capsule/own-data.js';
import { parseCapsule } from '../../src/actors/capsule/parse.js';
import { Redaction } from '../../src/actors/capsule/redaction.js';
import { replayCapsule } from '../../src/actors/capsule/retrace.js';
import { isSecretName, mayBeSecret } from '../../src/actors/capsule/secret-names.js';
import type { Json, JsonObject } from '../../src/json.js';
import { redactText } from '../../src/providers/index.js';
import { openPlace, orderMachine, reread } from './places.js';

const kind = 'order';
const address = 'order/77';

async function capsuleOf(...events: readonly { readonly type: string; readonly [key: string]: unknown }[]) {
  const place = await openPlace([{ kind, machine: orderMachine() }]);
  await place.kernel.create(kind, '77', { cents: 42 });
  for (const event of events) await place.kernel.send(address, event as never);
  return { place, capsule: reread(await place.capsules().export(address)) };
}

describe('redaction', () => {
  test.each([
    'authorization',
    'x-api-key',
    'apiKey',
    'APIKey',
    'token',
    'clientSecret',
    'set-cookie',
    'credentials',
  ])('%s is the name of a secret', (name) => expect(isSecretName(name)).toBe(true));

  test.each([
    'maxTokens',
    'tokenCount',
    'tokens',
    'key',
    'sessionKey',
    'idempotencyKey',
    'secretary',
    'author',
  ])('%s is not', (name) => expect(isSecretName(name)).toBe(false));

  test('a secret has left everything, and one secret has one stand-in', async () => {
    const { capsule } = await capsuleOf(
      { type: 'card', token: 'tok-0123456789' },
      { type: 'note', text: 'said tok-0123456789, then Bearer abcdef123456 and sk-abcdef123456' },
      { type: 'note', text: 'https://ann:pw@cdn.example/v.mp4?sig=s3cret', headers: { Cookie: 'a=b; c=d' } },
      { type: 'note', text: '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----' },
      { type: 'note', text: 'in a key', seen: { 'tok-0123456789': true }, maxTokens: 512, tokenCount: '9' },
    );
    const text = JSON.stringify(capsule);
    for (const secret of ['tok-0123', 'abcdef123456', 's3cret', 'ann:pw', 'a=b', 'MIIE'])
      expect(text, secret).not.toContain(secret);
    expect(text).toContain('"maxTokens":512,"tokenCount":"9"');
    const { snapshot } = capsule.record as unknown as {
      snapshot: { context: { card: string; notes: string[] } };
    };
    const [first] = capsule.journal.flatMap(({ entry }) => entry.event['token'] ?? []);
    expect(snapshot.context.card).toBe(first);
    expect(snapshot.context.notes[0]).toContain(
      `said ${JSON.stringify(first).slice(1, -1)}, then Bearer [redacted:`,
    );
    expect(capsule.redacted).toContain('/journal/1/entry/event/token');
    expect(capsule.redacted).toContain('/record/snapshot/context/card');
    expect(parseCapsule(capsule)).toEqual(capsule);
  });

  const secret = 'Zq9xK2mN7pL4';
  test.each([
    ['a pair', { headers: [['authorization', secret]] }],
    ['a list of headers', { rawHeaders: ['Authorization', secret, 'accept', '*'] }],
    ['a name beside a value', { headers: [{ name: 'X-Api-Key', value: secret }] }],
    ['JSON within a text', { text: JSON.stringify({ password: secret }) }],
    ['JSON within JSON within a text', { text: JSON.stringify({ a: JSON.stringify({ token: secret }) }) }],
    ['a piece of JSON', { text: `at {"a":1,"client_secret": "${secret}" ...` }],
    ['a form', { text: `grant=1&client_secret=${secret}&x=1` }],
    ['an environment', { text: `PATH=/bin OPENAI_API_KEY=${secret}` }],
    ['prose', { text: `the password: ${secret}, as agreed` }],
    ['a stack', { error: { stack: `Error: no\n  at f (/app/a.js:1:2)\n  token="${secret}"` } }],
    ['the user of a database', { text: `postgres://ann:${secret}@db.example/jobs` }],
    ['the query of another scheme', { text: `wss://h.example/x?ticket=${secret}` }],
    ['a relative URL', { text: `/v1/items?access_token=${secret}` }],
    ['a second cookie', { text: `Cookie: a=b; sid=${secret}` }],
    ['the address of a hook', { text: `https://hooks.slack.com/services/T0/B0/${secret}` }],
    ['the token of a bot', { text: `https://api.example/bot123456:AA${secret}abcdefghijklmnopqrstuvw/x` }],
    ['a key after an underscore', { text: `x_sk-${secret}` }],
  ])('%s does not carry a secret out', async (_what, data) => {
    const { capsule } = await capsuleOf({ type: 'note', text: 'a', ...data });
    expect(JSON.stringify(capsule)).not.toContain(secret);
    expect(capsule.redacted.every((pointer) => pointerTo(capsule, pointer) !== undefined)).toBe(true);
    expect(replayCapsule(orderMachine(), capsule).divergence).toBeUndefined();
  });

  test('a text that is JSON stays as it is where it has no secret', async () => {
    const text = '{ "b": 1.0,  "a": ["x"] }';
    const { capsule } = await capsuleOf({ type: 'note', text });
    expect(capsule.redacted).toEqual([]);
    expect(capsule.journal[1]?.entry.event['text']).toBe(text);
  });

  test('a secret with the letters of a state, a timer or an effect hides none of these', async () => {
    const words = ['open', 'charge', 'charging', 'xstate.after.patience.order.open', 'active'];
    const { capsule } = await capsuleOf(...words.map((token) => ({ type: 'card', token })), { type: 'go' });
    expect(JSON.stringify(capsule.record.snapshot)).toContain('"value":"charging"');
    expect(replayCapsule(orderMachine(), capsule).divergence).toBeUndefined();
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.capsules().import(capsule, { standIns: 'accept' });
    await place.kernel.operate('resume', address, 'ann');
    await place.kernel.waitFor(address, ({ value }) => value === 'packing');
  });

  test('taken out once, a secret is out: a second time changes nothing, and no piece of it is left', () => {
    const piece = fc.constantFrom(
      ...['sk-abcdef123', '-', 'x', ' ', 'Zq9xK2mN7pL4', '"', '[redacted:1]', '[redacted]', 'Bearer '],
      ...['token=', 'https://a.example/b?c=', 'Cookie: a=b', '{"password":"', 'authorization: ', ';', '7'],
    );
    const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
    const redacted = (data: Json): Json => {
      const redaction = new Redaction(undefined);
      const walk = (each: Json, visit: Visit): Json => visit('', each) as Json;
      redaction.learn(data, walk);
      return redaction.apply(data, walk);
    };
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 3 }), (token, texts) => {
        const once = redacted({ token, texts: [...texts, `a${token}b`] });
        expect(redacted(once)).toEqual(once);
        if (!mayBeSecret(token) || /^(?:bearer|basic|key)\s/i.test(token)) return;
        expect((once as JsonObject)['token']).toMatch(/^\[redacted(?::\d+)?\]$/);
        if (token.length >= 8 && !token.includes('[redacted'))
          expect(JSON.stringify(once)).not.toContain(JSON.stringify(token).slice(1, -1));
      }),
      { numRuns: 1000, examples: [['-sk------a', []]] },
    );
  });

  test('what a user hides is hidden too, and what is no JSON is refused', async () => {
    const { place } = await capsuleOf({ type: 'note', text: 'call 555-1234' });
    const hidden = await place.capsules().export(address, {
      redact: (_path, value) =>
        typeof value === 'string' ? value.replace(/\d{3}-\d{4}/, '[number]') : value,
    });
    expect(JSON.stringify(hidden)).not.toContain('555-1234');
    expect(hidden.redacted).toContain('/journal/1/entry/event/text');
    const wrong = place.capsules().export(address, { redact: () => (() => 1) as never });
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { field: 'redact' } });
  });

  test('asked to, an export takes nothing out', async () => {
    const { place } = await capsuleOf({ type: 'card', token: 'tok-0123456789' });
    const whole = await place.capsules().export(address, { redact: false });
    expect(whole.redacted).toEqual([]);
    expect(JSON.stringify(whole)).toContain('tok-0123456789');
  });

  test('an actor with stand-ins is not resumed, unless that was agreed to; it can be dismissed', async () => {
    const { capsule } = await capsuleOf({ type: 'card', token: 'tok-0123456789' });
    const place = await openPlace([{ kind, machine: orderMachine() }]);
    await place.capsules().import(capsule);
    for (const what of ['resume', 'skip'] as const)
      await expect(place.kernel.operate(what, address, 'ann')).rejects.toMatchObject({
        code: 'CAPSULE_REDACTED',
      });
    await place.kernel.operate('dismiss', address, 'ann');
    await place.capsules().import(capsule, { id: 'agreed', standIns: 'accept' });
    await place.kernel.operate('resume', 'order/agreed', 'ann');
    const card = await place.kernel.snapshot('order/agreed');
    expect(card?.snapshot.context).toMatchObject({
      card: expect.stringMatching(/^\[redacted:\d\]$/) as unknown,
    });
  });

  test('providers’ texts lose keys of other shapes too', () => {
    for (const key of ['ghp_0123456789abcdef', 'AKIA0123456789ABCDEF', 'eyJhbGciOiJI.eyJzdWIiOiIx.sig'])
      expect(redactText(`with ${key} in it`)).toBe('with [redacted] in it');
  });
});

describe('the hashes', () => {
  const code = (altered: unknown): unknown => {
    try {
      return parseCapsule(altered) && 'none';
    } catch (error) {
      return (error as { readonly code?: unknown }).code;
    }
  };

  test('a changed, removed or moved entry is found, and named', async () => {
    const { capsule } = await capsuleOf({ type: 'note', text: 'a' }, { type: 'note', text: 'b' });
    const changed = reread(capsule);
    Object.assign(changed.journal[1]?.entry ?? {}, { at: 1 });
    expect(() => parseCapsule(changed)).toThrow(/entry 2 of its journal does not fit its hash/);
    const removed = { ...capsule, journal: capsule.journal.toSpliced(0, 1) };
    expect(() => parseCapsule(removed)).toThrow(/entry 2 of its journal/);
    const moved = { ...capsule, journal: capsule.journal.toReversed() };
    expect(() => parseCapsule(moved)).toThrow(/entry 3 of its journal/);
    const cut = { ...capsule, journal: capsule.journal.slice(0, 2) };
    expect(() => parseCapsule(cut)).toThrow(/the seal does not fit/);
    for (const altered of [changed, removed, moved, cut]) expect(code(altered)).toBe('CAPSULE_ALTERED');
  });

  test('any other character, anywhere in its values, is noticed', async () => {
    const { capsule } = await capsuleOf({ type: 'note', text: 'a' }, { type: 'go' });
    const leaves = leavesOf(capsule);
    fc.assert(
      fc.property(fc.nat(leaves.length - 1), fc.nat(200), (which, at) => {
        const altered = reread(capsule);
        alter(altered, leaves[which] ?? [], at);
        expect(['CAPSULE_ALTERED', 'CAPSULE_INVALID']).toContain(code(altered));
      }),
      { numRuns: 300 },
    );
  });

  test('what is no capsule, or a newer one, is told as that', async () => {
    const { capsule } = await capsuleOf();
    for (const given of [
      undefined,
      null,
      'x',
      [],
      {},
      { ...capsule, journal: [1] },
      { ...capsule, format: 0 },
    ])
      expect(code(given)).toBe('CAPSULE_INVALID');
    expect(() => parseCapsule({ ...capsule, format: 2 })).toThrow(
      /its format is 2, this holdfast reads up to 1/,
    );
  });
});

function pointerTo(capsule: Capsule, pointer: string): unknown {
  const parts = pointer.slice(1).split('/');
  return parts.reduce<unknown>((part, name) => Reflect.get(Object(part) as object, name), capsule);
}

type Path = readonly string[];

function leavesOf(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, each]) => leavesOf(each, [...path, name]));
}

/** Another value of the same type in that place. */
function alter(capsule: Capsule, path: Path, at: number): void {
  const last = path.at(-1) ?? '';
  const owner = path.slice(0, -1).reduce<unknown>((part, name) => Reflect.get(Object(part), name), capsule);
  const before: unknown = Reflect.get(Object(owner), last);
  Reflect.set(Object(owner), last, altered(before, at));
}

function altered(value: unknown, at: number): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  const text = String(value);
  const place = at % Math.max(1, text.length);
  return text.slice(0, place) + (text[place] === 'x' ? 'y' : 'x') + text.slice(place + 1);
}
