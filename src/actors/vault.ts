/**
 * The runtime's own secret, and what is made with it: sealed parts of task references, and tokens of hooks.
 *
 * Owns: nothing but keys in memory, derived once. Callers: job-effects.ts, callbacks.ts, the hooks.
 * Invariants:
 *  V1  What is sealed is read with the same secret alone, and never shown.
 *  V2  A token names one job at one provider; it is compared in constant time.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { HoldfastError } from '../errors.js';
import type { JobRef } from '../machines/index.js';
import type { TaskRef } from '../providers/index.js';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export class Vault {
  readonly #secret: () => Promise<string>;
  readonly #keys = new Map<string, Promise<Buffer>>();
  #asked: Promise<string> | undefined;

  /** `secret` is asked for when it is first needed. */
  constructor(secret: () => Promise<string>) {
    this.#secret = secret;
  }

  async seal(text: string): Promise<string> {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, await this.#key('refs'), iv);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Throws SECRET_CHANGED for what was sealed with another secret, or altered. */
  async open(sealed: string): Promise<string> {
    const bytes = Buffer.from(sealed, 'base64url');
    const key = await this.#key('refs');
    try {
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const opened = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
      return Buffer.concat(opened).toString('utf8');
    } catch (cause) {
      const message = 'a task reference was sealed with another secret than this runtime has';
      throw new HoldfastError('SECRET_CHANGED', message, { cause });
    }
  }

  /** What may be kept of a reference an adapter made. */
  async kept({ secret, ...ref }: TaskRef): Promise<JobRef> {
    return secret === undefined ? ref : { ...ref, sealed: await this.seal(secret) };
  }

  /** The reference as its adapter made it. Throws SECRET_CHANGED. */
  async opened({ sealed, ...ref }: JobRef): Promise<TaskRef> {
    return sealed === undefined ? ref : { ...ref, secret: await this.open(sealed) };
  }

  /** The token of a job's hook: `<job id>.<HMAC>`. */
  async token(provider: string, jobId: string): Promise<string> {
    return `${jobId}.${(await this.#mac(provider, jobId)).toString('base64url')}`;
  }

  /** The job that a token of this provider's hook names; undefined when it is forged. */
  async jobOf(provider: string, token: string): Promise<string | undefined> {
    const dot = token.lastIndexOf('.');
    const jobId = token.slice(0, Math.max(0, dot));
    const given = Buffer.from(token.slice(dot + 1), 'base64url');
    const right = await this.#mac(provider, jobId);
    return given.length === right.length && timingSafeEqual(given, right) ? jobId : undefined;
  }

  async #mac(provider: string, jobId: string): Promise<Buffer> {
    return createHmac('sha256', await this.#key('hooks'))
      .update(`${provider}|${jobId}`)
      .digest();
  }

  #key(purpose: 'refs' | 'hooks'): Promise<Buffer> {
    const known = this.#keys.get(purpose);
    if (known !== undefined) return known;
    const made = this.#secretOnce().then((secret) =>
      Buffer.from(hkdfSync('sha256', secret, '', `holdfast ${purpose}`, KEY_BYTES)),
    );
    this.#keys.set(purpose, made);
    // A file that could not be read is tried again.
    made.catch(() => this.#keys.delete(purpose));
    return made;
  }

  /** One question at a time: asked twice at once, a file that is not there yet would be made twice. */
  #secretOnce(): Promise<string> {
    this.#asked ??= this.#secret().finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }
}
