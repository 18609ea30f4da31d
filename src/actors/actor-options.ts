/**
 * The options of `runtime.define`, checked before anything is made of them: types end where JavaScript
 * begins, and no type knows that a limit of 0 would start nothing for ever.
 *
 * Pure. Callers: actors.ts. Invariants:
 *  1  What is refused is named by its path; an option that does not exist is refused, not overlooked.
 *  2  What has to do with the machine (names of sources, versions) is the kernel's to check.
 */
import { z } from 'zod';
import { HoldfastError } from '../errors.js';

const aFunction = z.custom((value) => typeof value === 'function', 'is no function');
/** For ever, which is `Infinity`, is a duration too. */
const durationMs = (least: number): z.ZodType =>
  z.custom((value) => typeof value === 'number' && value >= least, `is no number of ${least} or more`);
const oneOf = <const Names extends readonly string[]>(names: Names): z.ZodType =>
  z.enum(names, `is none of ${names.map((name) => JSON.stringify(name)).join(', ')}`);

const budget = z.strictObject({
  failuresMax: z.number().int().min(0),
  periodMs: durationMs(1),
});

const effect = z.strictObject({
  recovery: oneOf(['rerun', 'idempotent', 'probe', 'manual']).optional(),
  probe: aFunction.optional(),
  pool: aFunction.optional(),
  limit: z.number().int().min(1).optional(),
  priority: z.number().optional(),
  shares: aFunction.optional(),
  timeoutMs: durationMs(1).optional(),
  drains: z.boolean().optional(),
  restart: budget.optional(),
});

const supervision = z.strictObject({
  onFailure: oneOf(['quarantine', 'restart', 'stop', 'escalate']),
  budget: budget.optional(),
});

const own = {
  effects: z.record(z.string(), effect).optional(),
  indexes: aFunction.optional(),
  migrate: z.unknown().optional(),
  supervision: supervision.optional(),
  retentionMs: durationMs(0).optional(),
  snapshot: oneOf(['each', 'amortized']).optional(),
};

const child: z.ZodType = z.strictObject({
  ...own,
  get children() {
    return z.record(z.string(), child).optional();
  },
});

const definition = z.strictObject({
  ...own,
  children: z.record(z.string(), child).optional(),
  kind: z.string().optional(),
  version: z.string().min(1).optional(),
  schemas: z
    .strictObject({ input: z.unknown().optional(), events: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});

/** Throws INVALID_DEFINITION naming the first option that is wrong. */
export function checkDefineOptions(kind: string, options: unknown): void {
  const { error } = definition.safeParse(options);
  const [issue] = error?.issues ?? [];
  if (issue === undefined) return;
  const path = issue.path.map(String).join('.');
  const what = `${path === '' ? 'options' : path}: ${issue.message}`;
  throw new HoldfastError('INVALID_DEFINITION', `${kind}: ${what}`, { details: { kind } });
}
