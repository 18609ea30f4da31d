/**
 * What a child of the crash tests is told to do, as one line of JSON on its standard input.
 *
 * Callers: child.ts (writes it), children/agent.ts (reads it).
 */
import { z } from 'zod';

const work = z.object({
  /** Idempotency key, prompt and session alike: submitted again, it is the same job. */
  key: z.string(),
  provider: z.string(),
  kind: z.enum(['video', 'image']),
  /** Asked when the first is known not to have accepted. */
  fallback: z.enum(['openai', 'kling']).optional(),
});

const plan = z.object({
  directory: z.string(),
  simulatorUrl: z.string(),
  receiverUrl: z.string(),
  clock: z.object({ startMs: z.number(), speed: z.number() }),
  /** Finish what an earlier process left, then submit. Otherwise submit at once. */
  settleFirst: z.boolean(),
  jobs: z.array(work).readonly(),
  /** The name of an adapter in test/providers/every.ts, which is then the only one. */
  entry: z.string().optional(),
  /** Somebody kills it: having no more to do, it waits for that. */
  isKilled: z.boolean().optional(),
  /** The process kills itself around this commit, counted from its opening or from its first submit. */
  kill: z
    .object({
      from: z.enum(['open', 'submit']),
      commit: z.number(),
      phase: z.enum(['before', 'after']),
    })
    .optional(),
});

export type Work = z.infer<typeof work>;
export type Plan = z.infer<typeof plan>;
export type Kill = NonNullable<Plan['kill']>;

export function readPlan(line: string): Plan {
  return plan.parse(JSON.parse(line));
}
