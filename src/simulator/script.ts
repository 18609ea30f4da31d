/**
 * The script: how tasks live, what artifacts weigh, which keys are good, and which requests go wrong.
 *
 * It is plain JSON, checked once, here; every field is optional. Callers: server.ts, the CLI, tests.
 * Invariant: what passed `parseScript` is complete (defaults filled in) and means something on the route it
 * names.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { HoldfastError } from '../errors.js';
import { bounds } from './bounds.js';
import { ms, occasion, PROVIDERS, span, word } from './script-words.js';
import { webhookScript } from './webhook-script.js';

export type { Occasion, ProviderName, Span } from './script-words.js';

const life = z.strictObject({
  /** How long the task is not to be found after its submit. Default: not at all. */
  lag: span.optional(),
  /** How long it is queued. Default: 1 poll. */
  queued: span.optional(),
  /** How long it runs. Default: 2 polls. */
  running: span.optional(),
  /** How it ends. Default: `succeeded`. */
  outcome: z.enum(['succeeded', 'failed']).optional(),
  /** What a failed task says. */
  failure: z.strictObject({ code: word, message: z.string().max(2_000) }).optional(),
  /** How long a signed artifact URL is good, from the poll that gave it. Default: 30 days. */
  urlTtlMs: ms.optional(),
});

const fault = z.discriminatedUnion('type', [
  /** Waits, then goes on: before the task exists (`task`), or before the answer (`answer`, the default). */
  z.strictObject({
    type: z.literal('latency'),
    wait: span,
    before: z.enum(['task', 'answer']).default('answer'),
  }),
  /** 429. `code` replaces the provider's usual word, such as `insufficient_quota` or `1303`. */
  z.strictObject({
    type: z.literal('rateLimit'),
    retryAfter: z.enum(['seconds', 'date', 'milliseconds', 'none']).default('seconds'),
    waitMs: ms.default(1_000),
    code: word.optional(),
  }),
  /** Any 4xx or 5xx. `billed`: a submit creates its task all the same. */
  z.strictObject({
    type: z.literal('status'),
    status: z.int().min(400).max(599),
    body: z.enum(['json', 'html', 'empty']).default('json'),
    billed: z.boolean().default(false),
  }),
  /** The key is refused, as if revoked. */
  z.strictObject({ type: z.literal('unauthorized') }),
  /** The connection is reset before the request's body is read. */
  z.strictObject({ type: z.literal('resetBeforeBody') }),
  /** The connection is reset after the body was read; `billed` says whether the task exists. */
  z.strictObject({ type: z.literal('resetAfterBody'), billed: z.boolean() }),
  /** Half of the answer, then a reset. */
  z.strictObject({ type: z.literal('halfResponse') }),
  /** A content-length that is wrong by so many bytes. */
  z.strictObject({
    type: z.literal('wrongContentLength'),
    deltaBytes: z.int().min(-1_000_000).max(1_000_000),
  }),
  /** A 200 whose JSON breaks off, with a matching content-length. */
  z.strictObject({ type: z.literal('invalidJson') }),
  /** A status word nobody has heard of. */
  z.strictObject({ type: z.literal('unknownStatus'), word }),
  /** The submit is answered with a task that is over already. */
  z.strictObject({
    type: z.literal('terminalReply'),
    outcome: z.enum(['succeeded', 'failed']).default('succeeded'),
  }),
  /** A download that ends early, politely, after this share of its bytes. */
  z.strictObject({ type: z.literal('truncated'), share: z.number().min(0).max(0.999).default(0.5) }),
  /** A download with status 200 that is something else. */
  z.strictObject({
    type: z.literal('mistyped'),
    body: z.enum(['html', 'xml', 'json']).default('xml'),
    /** Claim the artifact's own content type. */
    lying: z.boolean().default(false),
  }),
  /** The artifact's URL is no longer good: 403. */
  z.strictObject({ type: z.literal('expired') }),
  /**
   * Sent elsewhere. `location` is any URL. `through` is a chain of up to 20 hops, each the simulator's own
   * origin (`same`), its other one (`foreign`), or, as the last, any URL: a download ends at the artifact,
   * any other request at its own path. `foreign` alone is the default.
   */
  z
    .strictObject({
      type: z.literal('redirect'),
      location: z.string().min(1).max(2_000).optional(),
      through: z
        .array(z.union([z.enum(['same', 'foreign']), z.url().max(2_000)]))
        .min(1)
        .max(20)
        .readonly()
        .optional(),
      status: z
        .union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)])
        .default(302),
    })
    .refine(({ location, through }) => location === undefined || through === undefined, {
      error: 'has a location, or hops to go through, and not both',
    })
    .refine(({ through = [] }) => through.slice(0, -1).every((hop) => hop === 'same' || hop === 'foreign'), {
      error: 'a URL can only be the last hop',
    }),
  /** An answer that trickles. */
  z.strictObject({
    type: z.literal('slowBody'),
    bytesPerSecond: z.int().min(1).max(1_000_000_000),
    chunkBytes: z.int().min(1).max(1_048_576).default(1_024),
  }),
]);

export type Fault = z.output<typeof fault>;

/** The faults that mean something on some actions alone. */
const faultActions: Readonly<Partial<Record<Fault['type'], readonly string[]>>> = {
  resetAfterBody: ['submit', 'poll', 'lookup', 'list', 'cancel'],
  invalidJson: ['submit', 'poll', 'lookup', 'list', 'cancel'],
  unknownStatus: ['submit', 'poll', 'lookup', 'list'],
  terminalReply: ['submit'],
  truncated: ['download'],
  mistyped: ['download'],
  expired: ['download'],
};

const ACTIONS = ['submit', 'poll', 'lookup', 'list', 'cancel', 'download'] as const;
export type Action = (typeof ACTIONS)[number];
const ROUTE = new RegExp(`^((${PROVIDERS.join('|')})\\.)?(${ACTIONS.join('|')})$|^any$`);

const rule = z
  .strictObject({
    /** `submit`, `kling.submit`, ... or `any`. Actions: submit, poll, lookup, list, cancel, download. */
    route: z.string().regex(ROUTE, 'is "any", an action, or a provider and an action such as "kling.submit"'),
    ...occasion,
    fault,
  })
  .superRefine((value, context) => {
    const allowed = faultActions[value.fault.type];
    const action = value.route.split('.').at(-1) ?? '';
    if (allowed !== undefined && !allowed.includes(action)) {
      context.addIssue(`${value.fault.type} needs a route of: ${allowed.join(', ')}`);
    }
    const early = value.fault.type === 'resetBeforeBody';
    if (early && (value.prompt !== undefined || value.countPer === 'prompt')) {
      context.addIssue('resetBeforeBody comes before the prompt is known: match it by count');
    }
    const hops = value.fault.type === 'redirect' ? (value.fault.through?.length ?? 1) : 1;
    if (hops > 1 && action !== 'download') context.addIssue('only a download goes through several hops');
    const isPolls = value.fault.type === 'latency' && 'polls' in value.fault.wait;
    if (isPolls) context.addIssue('a latency is given in milliseconds');
  });

const override = z.strictObject({
  provider: z.enum(PROVIDERS).optional(),
  kind: z.enum(['video', 'image']).optional(),
  ...occasion,
  life,
});

const script = z.strictObject({
  /** How every task lives. */
  life: life.default({}),
  /** Tasks that live otherwise; all that match are laid over `life`, in order. Counted in tasks created. */
  lives: z.array(override).max(bounds.rulesMax).readonly().default([]),
  /** What goes wrong. Latencies that match add up; of the other faults the first that matches wins. */
  faults: z.array(rule).max(bounds.rulesMax).readonly().default([]),
  /** The only good keys. Default: any key that is not empty. An empty list: none. */
  keys: z.array(z.string()).max(bounds.rulesMax).readonly().optional(),
  /** What the provider sends on its own. */
  webhooks: webhookScript.prefault({}),
  /** How far its clock is ahead of this machine's: in answers, links, signatures and keys that expire. */
  clockSkewMs: z.int().min(-bounds.waitMsMax).max(bounds.waitMsMax).default(0),
  artifacts: z
    .strictObject({
      /** Sizes the files are padded up to. */
      videoBytes: z.int().min(0).max(bounds.artifactBytesMax).default(262_144),
      imageBytes: z.int().min(0).max(bounds.artifactBytesMax).default(65_536),
      chunkBytes: z.int().min(1).max(1_048_576).default(16_384),
      /** Default: as fast as the client reads. */
      bytesPerSecond: z.int().min(1).max(1_000_000_000).optional(),
      /** Artifacts have an ETag, and can be asked for from any byte on. */
      ranges: z.boolean().default(true),
    })
    .prefault({}),
});

/** What a user writes; every field is optional and documented in script.ts. */
export type SimulatorScript = z.input<typeof script>;
export type Script = z.output<typeof script>;
export type Rule = z.output<typeof rule>;
export type PartialLife = z.output<typeof life>;

/** Checks a script and fills in its defaults. Throws `INVALID_INPUT` that names the first wrong field. */
export function parseScript(value: unknown): Script {
  const result = script.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'script' : `script.${issue.path.join('.')}`;
  throw new HoldfastError('INVALID_INPUT', `${field}: ${issue?.message ?? 'is not a simulator script'}`, {
    cause: result.error,
    details: { field },
  });
}

/** Reads a script from a JSON file. Throws `INVALID_INPUT` when it cannot be read, parsed or used. */
export function readScript(file: string): Script {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `the simulator script ${file} is not a readable JSON file (${reason})`;
    throw new HoldfastError('INVALID_INPUT', message, { cause, details: { field: 'script' } });
  }
  return parseScript(value);
}
