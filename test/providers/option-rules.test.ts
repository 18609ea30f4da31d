/**
 * Options as a module in JavaScript gives them: nobody has checked their types.
 */
import { expect, test } from 'vitest';
import { HoldfastError } from '../../src/errors.js';
import {
  agnes,
  fal,
  kling,
  luma,
  minimax,
  openai,
  openaiResponses,
  replicate,
  rsclaw,
  rsclawImage,
  runway,
  seedance,
  veo,
} from '../../src/providers/index.js';

const factories = {
  agnes,
  fal,
  kling,
  luma,
  minimax,
  openai,
  openaiResponses,
  replicate,
  rsclaw,
  rsclawImage,
  runway,
  seedance,
  veo,
};
type Factory = keyof typeof factories;
const FACTORIES = Object.keys(factories) as readonly Factory[];
const KEY = 'sk-a-key-that-nobody-may-see';

/** What the factory says of options that no compiler let through. */
function refusalOf(factory: Factory, options: unknown): HoldfastError | undefined {
  try {
    Reflect.apply(factories[factory], undefined, [options]);
    return undefined;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'INVALID_OPTIONS') return error;
    throw error;
  }
}

test.each(FACTORIES)('%s refuses an option that it does not have, and tells those it has', (factory) => {
  const refusal = refusalOf(factory, { baseURL: 'http://127.0.0.1:9', apiKey: KEY });
  expect(refusal?.details).toEqual({ option: 'baseURL' });
  expect(refusal?.message).toMatch(/: baseURL is no option; there are apiKey, .*\bbaseUrl\b/);
});

test.each([
  ['a key that is a number', { apiKey: 42 }, 'apiKey'],
  ['keys by alias of which one is a list', { apiKey: { default: KEY, team: [KEY] } }, 'apiKey'],
  ['a base URL that is a URL object', { baseUrl: new URL('http://127.0.0.1:9') }, 'baseUrl'],
  ['an origin alone where a list is meant', { trustedOrigins: 'http://127.0.0.1:9' }, 'trustedOrigins'],
  ['an environment that cannot be asked', { env: { A: KEY } }, 'env'],
  ['a limit that does not exist', { limits: { perMinutes: 4 } }, 'limits.perMinutes'],
])('every factory refuses %s, and shows no key', (_what, options, option) => {
  for (const factory of FACTORIES) {
    const refusal = refusalOf(factory, options);
    expect([factory, refusal?.details]).toEqual([factory, { option }]);
    expect(refusal?.message).not.toContain(KEY);
  }
});

test.each([
  ['seedance', { region: 'eu' }, 'seedance: region must be one of intl, cn, not "eu"'],
  ['agnes', { region: 1 }, 'agnes: region must be one of intl, cn'],
  ['kling', { generation: 2026 }, 'kling: generation must be one of 2026, legacy'],
  ['openai', { encoding: 'xml' }, 'openai: encoding must be one of multipart, json, not "xml"'],
  ['fal', { videoModel: '' }, 'fal: videoModel must be a text that is not empty'],
  ['fal', null, 'fal: options must be an object'],
] as const)('%s says what an option must be: %j', (factory, options, message) => {
  expect(refusalOf(factory, options)?.message).toContain(message);
});

test('a pair of Kling keys is whole, or refused', () => {
  const [accessKey, secretKey] = ['access', KEY];
  expect(refusalOf('kling', { apiKey: { accessKey, secretKey } })).toBeUndefined();
  expect(refusalOf('kling', { apiKey: { default: KEY, team: { accessKey, secretKey } } })).toBeUndefined();
  for (const apiKey of [{ secretKey }, { accessKey, secretKey: undefined }, { team: { secretKey } }, [KEY]]) {
    const refusal = refusalOf('kling', { apiKey });
    expect(refusal?.details).toEqual({ option: 'apiKey' });
    expect(refusal?.message).not.toContain(KEY);
  }
});

test.each(['kling', 'openai', 'openaiResponses', 'replicate', 'veo'] as const)(
  '%s refuses a signing secret that is none, and does not show it',
  (factory) => {
    for (const webhookSecret of [KEY, 'whsec_', ['whsec_c2VjcmV0', KEY], `whsec_c2VjcmV0,${KEY}`, 7]) {
      const refusal = refusalOf(factory, { webhookSecret });
      expect(refusal?.details).toEqual({ option: 'webhookSecret' });
      expect(refusal?.message).toContain('"whsec_" and base64');
      expect(refusal?.message).not.toContain(KEY);
    }
    for (const webhookSecret of ['whsec_c2VjcmV0', 'whsec_c2VjcmV0, whsec_YQ==', [], '', () => [KEY]])
      expect(refusalOf(factory, { webhookSecret })).toBeUndefined();
  },
);

test('an option that is undefined was not given, and a key may be missing', () => {
  for (const factory of FACTORIES) {
    expect(refusalOf(factory, { baseUrl: undefined, apiKey: undefined })).toBeUndefined();
    expect(refusalOf(factory, { apiKey: { default: undefined } })).toBeUndefined();
  }
});
