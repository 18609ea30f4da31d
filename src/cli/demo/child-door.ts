/**
 * The inside of a child process of the demo: says when it is ready, ends when it is told to or when the
 * driver is gone.
 *
 * Callers: the three processes of the demo. Invariants:
 *  1  A child whose driver is gone ends at once: the channel between them closes with the driver, however
 *     it died.
 *  2  Ctrl-C reaches every process of a terminal; a child leaves it to the driver.
 */
import { z } from 'zod';
import { HoldfastError } from '../../errors.js';

/** What a child tells the driver. */
export const childReport = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), url: z.string() }),
  z.object({ type: z.literal('recovered'), inFlight: z.int() }),
]);
export type ChildReport = z.output<typeof childReport>;

/** Parses the settings a child was started with. Throws INVALID_INPUT: such a command is not for people. */
export function childSettings<T>(form: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', 'this command is for the demo itself', { cause });
  }
  const parsed = form.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new HoldfastError('INVALID_INPUT', 'this command is for the demo itself', { cause: parsed.error });
}

/** Reports, then lives until the driver says `close` (and `close` has ended) or is gone. */
export async function serveDriver(report: ChildReport, close: () => Promise<void>): Promise<void> {
  process.on('SIGINT', () => undefined);
  const told = new Promise<void>((resolve) => {
    process.once('message', () => resolve());
    // Not an orderly end: nobody is left to tell about it.
    process.once('disconnect', () => process.exit(1));
  });
  if (process.send === undefined) {
    throw new HoldfastError('INVALID_INPUT', 'this command is for the demo itself');
  }
  process.send(report);
  await told;
  process.removeAllListeners('disconnect');
  await close();
  process.disconnect();
}
