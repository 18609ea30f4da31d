import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/limits.js';
import { redactError, redactText, redactUrl } from '../../src/providers/index.js';
import { errorCode } from '../../src/providers/redact.js';
import { retryAfterMs } from '../../src/providers/retry-after.js';

describe('redaction', () => {
  it('keeps where a URL leads and hides what it carries', () => {
    expect(redactUrl('https://u:p@cdn.example:8443/a/b.mp4?sig=s3cret#t')).toBe(
      'https://cdn.example:8443/a/b.mp4?[redacted]',
    );
    expect(redactUrl('https://cdn.example/a')).toBe('https://cdn.example/a');
    expect(redactUrl(`https://cdn.example/hooks/fal/job_1.${'s3cret-'.repeat(6)}x`)).toBe(
      'https://cdn.example/hooks/fal/[redacted]',
    );
    expect(redactUrl('data:image/png;base64,AAAA')).toBe('data:[redacted]');
    expect(redactUrl('no url')).toBe('[redacted]');
  });

  it.each([
    'GET https://cdn.example/v.mp4?X-Sig=s3cret failed',
    'GET https://cdn.example?X-Sig=s3cret',
    'see "https://me:s3cret@cdn.example/v"',
    'authorization: Bearer s3cret-token',
    '{"authorization":"Bearer s3cret-token"}',
    'sent Bearer s3cret-token',
    'x-goog-api-key=s3cret',
    'Incorrect API key provided: sk-s3cret-0001',
    'api-key: s3cret',
    'signed with whsec_s3cretS3cretS3cret=',
    `told https://cdn.example/hooks/fal/job_1.${'s3cret-'.repeat(6)}x of it`,
  ])('hides the secret of %j', (text) => {
    expect(redactText(text)).not.toContain('s3cret');
    expect(redactText(text)).toMatch(/\[redacted\]|cdn\.example/);
  });

  it('hides every given secret, the longest first, and leaves words alone', () => {
    expect(redactText('key abcdef and abcd', ['abcd', 'abcdef'])).toBe('key [redacted] and [redacted]');
    expect(redactText('a plain sentence', ['a'])).toBe('a plain sentence');
  });

  it('follows the causes of an error, and ends', () => {
    const cause = new Error('connect https://h.example/x?token=s3cret');
    expect(redactError(new Error('send failed', { cause }))).toBe(
      'send failed: connect https://h.example/x?[redacted]',
    );
    const ring = new Error('ring');
    ring.cause = ring;
    expect(redactError(ring)).toBe('ring');
    expect(redactError('thrown text')).toBe('thrown text');
    expect(redactError({ thrown: 1 })).toBe('{"thrown":1}');
  });

  it('bounds what it returns', () => {
    expect(redactText('x'.repeat(10_000))).toHaveLength(limits.providerMessageCharsMax);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  it.each([
    [{ 'retry-after': '5' }, 5_000],
    [{ 'retry-after': '0' }, 1_000],
    [{ 'retry-after': '-3' }, 1_000],
    [{ 'retry-after': '86400' }, 900_000],
    [{ 'retry-after': 'Sun, 22 Nov 2026 12:02:00 GMT' }, 120_000],
    [{ 'retry-after': 'Sun, 22 Nov 2026 11:00:00 GMT' }, 1_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after-ms': '1200.5' }, 1_201],
    [{ 'retry-after-ms': 'x', 'retry-after': '2' }, 2_000],
    [{}, undefined],
  ])('%j is %s ms', (headers: Record<string, string>, expected) => {
    expect(retryAfterMs(headers, '', now)).toBe(expected);
  });

  it('is found in the details of a Google error', () => {
    const details = [{ '@type': 'x' }, { retryDelay: '12.5s' }];
    expect(retryAfterMs({}, JSON.stringify({ error: { details } }), now)).toBe(12_500);
    expect(retryAfterMs({}, 'retryDelay in no JSON', now)).toBeUndefined();
  });
});

it('an error of another realm, as tests of jest have them, has its code', () => {
  const error: unknown = runInNewContext("Object.assign(new Error('gone'), { code: 'ENOENT' })");
  expect(errorCode(error)).toBe('ENOENT');
  expect(errorCode({ code: 'ENOENT' })).toBeUndefined();
});
