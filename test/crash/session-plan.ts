/**
 * What a talker of the crash tests is told to do, and what it writes down: JSON in its one argument, and a
 * ledger of one fact a line, synced before anything else happens.
 *
 * Callers: talks.ts (writes the plan, reads the ledger), children/talker.ts (the other way round).
 */
import { z } from 'zod';

/** Where a talker dies by its own hand. The last three are the commit that settles its turn. */
export const points = [
  'enqueued',
  'claimed',
  'checkpointClaimed',
  'handlerDone',
  'beforeCommit',
  'afterCommit',
  'committed',
] as const;

const message = z.object({
  session: z.string(),
  /** Its text, and what it is known by. */
  id: z.string(),
  /** `together` with its like, for the running turn too; or `alone`, once that is committed. */
  as: z.enum(['together', 'alone']),
});

const plan = z.object({
  directory: z.string(),
  ledger: z.string(),
  /** What works on its sessions: claims or turns by hand, one after the other, or a handler of `serve`. */
  by: z.enum(['claim', 'turn', 'serve']),
  messages: z.array(message).readonly(),
  /** Batches that a claim takes at most. */
  max: z.number().optional(),
  dieAt: z.enum(points).optional(),
  /** Its turns with this number and above, from 1, never end: a kill hits them for certain. */
  stallsAt: z.number().optional(),
  /** Somebody kills it: having no more to do, it waits for that. */
  isKilled: z.boolean().optional(),
  /** Renders that are asked for, for their session, at this simulator. */
  renders: z
    .object({
      simulatorUrl: z.string(),
      clock: z.object({ startMs: z.number(), speed: z.number() }),
      jobs: z.array(z.object({ key: z.string(), session: z.string() })).readonly(),
    })
    .optional(),
});

const held = z.object({
  id: z.string(),
  claimId: z.string(),
  /** How often it was claimed: the fencing token of a claim that it is the first of. */
  claims: z.number(),
  attempts: z.number(),
});

const fact = z.discriminatedUnion('type', [
  /** What a session's claims held once one was taken. */
  z.object({ type: z.literal('held'), session: z.string(), batches: z.array(held).readonly() }),
  /** A commit that was acknowledged: the inputs and causes of its turn. */
  z.object({ type: z.literal('committed'), session: z.string(), ids: z.array(z.string()).readonly() }),
]);

export type Point = (typeof points)[number];
export type TalkPlan = z.infer<typeof plan>;
export type Said = TalkPlan['messages'][number];
export type Fact = z.infer<typeof fact>;
export type Held = z.infer<typeof held>;

export function readTalkPlan(text: string): TalkPlan {
  return plan.parse(JSON.parse(text));
}

/** A last line that was cut off by a kill was never acknowledged. */
export function readFacts(text: string): readonly Fact[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => fact.parse(JSON.parse(line)));
}
