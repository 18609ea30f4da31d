/**
 * Tells receivers of the stages of tasks: who hears of what, when, and what the script makes of it.
 *
 * Owns: the news that wait, and the timers of stages that end by the clock. Callers: server.ts, pipeline.ts.
 * Invariants:
 *  N1  News are noticed once, when the task enters the stage: by the clock where a span is in milliseconds,
 *      else by the request that moves the task.
 *  N2  News of a task wait until its submit was answered or lost its client, the `early` ones excepted.
 *  N3  First attempts of a task leave one after the other, in the order of its stages; retries, and what the
 *      script delays, come when they come.
 */
import { bounds } from './bounds.js';
import { Courier } from './courier.js';
import type { CourierOptions, News } from './courier.js';
import type { Callback, Dialect, World } from './dialect.js';
import { Occasions } from './occasions.js';
import type { ProviderName } from './script.js';
import { letterId } from './signing.js';
import type { Sight, Task, TaskTable } from './tasks.js';
import type { WebhookFault, WebhookScript } from './webhook-script.js';

export interface HeraldOptions extends Omit<CourierOptions, 'nowMs'> {
  readonly dialects: readonly Dialect[];
  readonly tasks: TaskTable;
  readonly seed: number;
  readonly world: () => World;
  readonly fail: (error: unknown) => void;
}

export class Herald {
  readonly #options: HeraldOptions;
  readonly #courier: Courier;
  readonly #callbacks: ReadonlyMap<ProviderName, Callback>;
  /** News of tasks whose submit is not over. */
  readonly #held = new Map<string, News[]>();
  /** News that let the next of their task go first. */
  readonly #behind = new Map<string, News[]>();
  /** The first attempts of a task that are under way, as one promise. */
  readonly #lines = new Map<string, Promise<void>>();
  readonly #timers = new Map<string, () => void>();
  readonly #pending = new Set<Promise<void>>();
  #rules: WebhookScript;
  #occasions: Occasions;

  constructor(rules: WebhookScript, options: HeraldOptions) {
    this.#options = options;
    this.#rules = rules;
    this.#occasions = new Occasions(options.seed);
    this.#courier = new Courier({ ...options, nowMs: () => options.world().nowMs() });
    this.#callbacks = new Map(
      options.dialects.flatMap(({ provider, callback }) =>
        callback === undefined ? [] : [[provider, callback] as const],
      ),
    );
  }

  /** For news still to come; counters start anew. */
  setRules(rules: WebhookScript): void {
    this.#rules = rules;
    this.#occasions = new Occasions(this.#options.seed);
  }

  /** A task has entered a stage. */
  notice(task: Task, sight: Sight, isNew: boolean): void {
    const callback = this.#callbacks.get(task.provider);
    const targets = callback === undefined ? [] : this.#targets(task, callback);
    if (callback === undefined || targets.length === 0) return;
    if (isNew) this.#held.set(task.id, []);
    this.#watch(task);
    if (!callback.at.includes(sight.status)) return;
    for (const { url, scheme } of targets) {
      const news = this.#news(task, sight, callback, url, scheme);
      const held = this.#held.get(task.id);
      if (held === undefined) this.#dispatch(news);
      else held.push(news);
    }
  }

  /** Sends what the script wants out before the submit is answered, and waits for its answers. */
  async sendEarly(task: Task): Promise<void> {
    const held = this.#held.get(task.id);
    if (held === undefined) return;
    const early = held.filter(({ fault }) => fault?.type === 'early');
    this.#held.set(
      task.id,
      held.filter(({ fault }) => fault?.type !== 'early'),
    );
    for (const news of early) this.#dispatch(news);
    await this.#lines.get(task.id);
  }

  /** The submit is over, however it ended. */
  release(task: Task): void {
    const held = this.#held.get(task.id) ?? [];
    this.#held.delete(task.id);
    for (const news of held) this.#dispatch(news);
  }

  /** After `stop` has aborted: resolves when nothing is under way any more. */
  async close(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    await this.#courier.close();
    await Promise.all(this.#pending);
  }

  #targets(task: Task, callback: Callback): readonly Pick<News, 'url' | 'scheme'>[] {
    const project = this.#rules.projectUrls[task.provider];
    const own = isHttp(task.callbackUrl) ? [{ url: task.callbackUrl, scheme: callback.signing }] : [];
    return project === undefined ? own : [...own, { url: project, scheme: 'standard' }];
  }

  #news(task: Task, sight: Sight, callback: Callback, url: string, scheme: News['scheme']): News {
    const chosen = this.#faultFor(task, sight);
    // Once the submit was answered nothing is early.
    const fault = chosen?.type === 'early' && !this.#held.has(task.id) ? undefined : chosen;
    const claimed = fault?.type === 'forge' && fault.claims !== undefined ? fault.claims : sight.status;
    const body = callback.body(task, { ...sight, status: claimed }, this.#options.world());
    return {
      id: scheme === 'fal' ? task.id : letterId(),
      url,
      scheme,
      task,
      stage: sight.status,
      body: JSON.stringify(body),
      fault,
      isChallenged: callback.challenge === true,
      rules: this.#rules,
    };
  }

  #faultFor(task: Task, sight: Sight): WebhookFault | undefined {
    let chosen: WebhookFault | undefined;
    for (const [index, rule] of this.#rules.faults.entries()) {
      if (rule.provider !== undefined && rule.provider !== task.provider) continue;
      if (rule.stage !== undefined && rule.stage !== sight.status) continue;
      if (this.#occasions.match(`webhook ${index}`, rule, task.prompt) !== undefined) chosen ??= rule.fault;
    }
    return chosen;
  }

  /** Looks at the task again when the clock will have moved it. */
  #watch(task: Task): void {
    const { clock, tasks, stop } = this.#options;
    this.#timers.get(task.id)?.();
    this.#timers.delete(task.id);
    const dueAt = tasks.changesAt(task);
    if (dueAt === undefined || stop.aborted) return;
    const waitMs = Math.min(Math.max(0, dueAt - tasks.nowMs()), bounds.waitMsMax);
    const look = (): void => {
      this.#timers.delete(task.id);
      try {
        // Not moved yet: the wait was cut, or the clock was set.
        if (tasks.glance(task) !== undefined && !this.#timers.has(task.id)) this.#watch(task);
      } catch (error) {
        this.#options.fail(error);
      }
    };
    this.#timers.set(task.id, clock.schedule(waitMs, look));
  }

  #dispatch(news: News): void {
    const { fault, task, stage, url } = news;
    const isLast = stage !== 'queued' && stage !== 'running';
    const receiver = `${task.id}\0${url}`;
    const behind = this.#behind.get(receiver) ?? [];
    if (fault?.type === 'reorder' && !isLast) {
      this.#behind.set(receiver, [...behind, news]);
      return;
    }
    this.#behind.delete(receiver);
    if (fault?.type === 'drop') this.#courier.note('webhook.dropped', news, {});
    else if (fault?.type === 'delay') void this.#track(this.#sendLate(news, fault.ms));
    else this.#line(news);
    for (const next of behind) this.#line(next);
  }

  #line(news: News): void {
    const before = this.#lines.get(news.task.id) ?? Promise.resolve();
    const turn = before.then(async () => {
      const isTaken = await this.#courier.first(news);
      void this.#track(this.#courier.rest(news, isTaken));
    });
    const line = this.#track(turn).finally(() => {
      if (this.#lines.get(news.task.id) === line) this.#lines.delete(news.task.id);
    });
    this.#lines.set(news.task.id, line);
  }

  async #sendLate(news: News, waitMs: number): Promise<void> {
    await this.#courier.pause(waitMs);
    await this.#courier.rest(news, await this.#courier.first(news));
  }

  /** Never rejects: a ledger that cannot be written, or a bug, ends the simulator. */
  #track(work: Promise<void>): Promise<void> {
    const tracked = work.catch(this.#options.fail).finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
    return tracked;
  }
}

/** What a provider would have refused, had the dialect looked, is told nothing. */
function isHttp(url: string | undefined): url is string {
  return url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
