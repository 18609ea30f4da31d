/**
 * Sends one piece of news over HTTP: the challenge before it, the attempts, the waits between them.
 *
 * Owns: the connections to receivers, and which URLs have passed their challenge. Callers: herald.ts.
 * Invariants:
 *  C1  Each attempt is one POST and one ledger line, written when its end is known.
 *  C2  A redirect is a failure, and so is anything else but a 2xx.
 *  C3  Nothing is sent and nothing waits once `stop` has aborted.
 */
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from '../clock.js';
import { newId, sha256Hex } from '../ids.js';
import { bounds } from './bounds.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import type { Scheme, Signer } from './signing.js';
import type { Sight, Task } from './tasks.js';
import type { WebhookFault, WebhookScript } from './webhook-script.js';

/** What one receiver is to hear of one stage of one task. */
export interface News {
  readonly id: string;
  readonly url: string;
  readonly scheme: Scheme;
  readonly task: Task;
  readonly stage: Sight['status'];
  readonly body: string;
  readonly fault: WebhookFault | undefined;
  readonly isChallenged: boolean;
  readonly rules: WebhookScript;
}

export interface CourierOptions {
  readonly clock: Clock;
  /** The provider's clock, which signatures are made by. */
  readonly nowMs: () => number;
  readonly signer: Signer;
  readonly ledger: Ledger;
  readonly stop: AbortSignal;
}

type Noted = Pick<LedgerEntry, 'attempt' | 'status'>;

const RETRY_MS_MAX = 60_000;

export class Courier {
  readonly #options: CourierOptions;
  readonly #agent = new Agent({ connections: bounds.webhookConnectionsMax });
  readonly #challenged = new Map<string, Promise<boolean>>();

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** The first attempt, with its challenge; true when the receiver took it. */
  async first(news: News): Promise<boolean> {
    if (news.isChallenged && !(await this.#passes(news))) return false;
    return this.#attempt(news, 1);
  }

  /** Whatever is left to do after a first attempt: attempts until it is taken, then its duplicates. */
  async rest(news: News, wasTaken: boolean): Promise<void> {
    const { attemptsMax, retryMs } = news.rules;
    let isTaken = wasTaken;
    let attempts = 1;
    for (
      let waitMs = retryMs;
      !isTaken && attempts < attemptsMax;
      waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)
    ) {
      await this.pause(Math.min(waitMs, RETRY_MS_MAX));
      if (this.#options.stop.aborted) return;
      attempts += 1;
      if (news.isChallenged && !(await this.#passes(news))) continue;
      isTaken = await this.#attempt(news, attempts);
    }
    if (!isTaken) return this.note('webhook.dropped', news, { attempt: attempts });
    const copies = news.fault?.type === 'duplicate' ? news.fault.times : 0;
    for (let copy = 1; copy <= copies; copy += 1) await this.#attempt(news, attempts + copy);
  }

  /** Resolves after `waitMs`, or when the simulator ends. */
  async pause(waitMs: number): Promise<void> {
    const { stop, clock } = this.#options;
    if (waitMs <= 0 || stop.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel();
        stop.removeEventListener('abort', done);
        resolve();
      };
      const cancel = clock.schedule(waitMs, done);
      stop.addEventListener('abort', done, { once: true });
    });
  }

  note(event: LedgerEntry['event'], news: News, noted: Noted): void {
    const { ledger, clock, stop } = this.#options;
    if (stop.aborted) return;
    const { task, fault, rules, scheme } = news;
    const isSigned = scheme !== 'none' && (scheme !== 'standard' || rules.secrets.length > 0);
    ledger.append({
      at: clock.now(),
      event,
      provider: task.provider,
      exchange: 0,
      taskId: task.id,
      ...(task.key === undefined ? {} : { key: task.key }),
      kind: task.kind,
      promptSha256: sha256Hex(task.prompt),
      stage: news.stage,
      ...noted,
      ...(fault === undefined ? {} : { fault: fault.type }),
      host: new URL(news.url).host,
      authorized: isSigned && fault?.type !== 'unsigned' && fault?.type !== 'forge',
      credentialHeaders: [],
    });
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #attempt(news: News, attempt: number): Promise<boolean> {
    const { signer, nowMs, stop } = this.#options;
    if (stop.aborted) return false;
    const { fault, url, id, body, scheme, rules } = news;
    const atMs = nowMs() - (fault?.type === 'stale' ? fault.ageMs : 0);
    const hand = handOf(fault);
    const signed = await signer.headers(scheme, { id, atMs, url, body }, rules.secrets, hand);
    const answer = await this.#post(news, body, signed, rules.timeoutMs);
    const status = answer?.status;
    this.note('webhook.sent', news, { attempt, ...(status === undefined ? {} : { status }) });
    return status !== undefined && status >= 200 && status < 300;
  }

  /** Whether the URL repeats what it is told; asked until it does, then never again. */
  async #passes(news: News): Promise<boolean> {
    const asked = this.#challenged.get(news.url) ?? this.#challenge(news);
    this.#challenged.set(news.url, asked);
    if (await asked) return true;
    this.#challenged.delete(news.url);
    return false;
  }

  async #challenge(news: News): Promise<boolean> {
    const challenge = newId('challenge');
    const answer = await this.#post(news, JSON.stringify({ challenge }), {}, bounds.challengeMs);
    this.note('webhook.challenged', news, answer === undefined ? {} : { status: answer.status });
    return answer?.status === 200 && repeated(answer.text) === challenge;
  }

  /** One POST; undefined when there was no answer. */
  async #post(
    { url }: News,
    body: string,
    signed: Readonly<Record<string, string>>,
    timeoutMs: number,
  ): Promise<{ readonly status: number; readonly text: string } | undefined> {
    const { clock, stop } = this.#options;
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const cancel = clock.schedule(timeoutMs, end);
    stop.addEventListener('abort', end, { once: true });
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'holdfast-simulator', ...signed },
        body,
        signal: ended.signal,
        dispatcher: this.#agent,
      });
      return { status: answer.statusCode, text: await beginning(answer.body) };
    } catch {
      // Refused, reset, too late, or not a URL that can be called: to a sender it is all the same.
      return undefined;
    } finally {
      cancel();
      stop.removeEventListener('abort', end);
    }
  }
}

function handOf(fault: WebhookFault | undefined): 'own' | 'forged' | 'none' {
  if (fault?.type === 'unsigned') return 'none';
  return fault?.type === 'forge' ? 'forged' : 'own';
}

function repeated(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'challenge' in value ? value.challenge : undefined;
  } catch {
    // Not JSON: the challenge was not repeated.
    return undefined;
  }
}

/** As much of an answer as a challenge can need; the rest is thrown away. */
async function beginning(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    const part: unknown = chunk;
    if (!(part instanceof Uint8Array)) throw new TypeError('an answer comes as bytes');
    chunks.push(part);
    bytes += part.length;
    if (bytes >= bounds.answerBytesMax) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
