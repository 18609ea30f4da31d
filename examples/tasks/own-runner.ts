/** A runner of one's own: any loop that can say where it was. This one sends a letter to each of a list. */
import type { RunnerFunction } from 'holdfast';

/** Sends one letter, and gives its number. */
export type Post = (to: string, signal: AbortSignal) => Promise<string>;

export function letters(post: Post): RunnerFunction {
  return async ({ prompt, checkpoint, iterations }, context) => {
    const people = prompt.split(', ');
    // What was kept is what this runner kept.
    const sent = new Map(Object.entries(Object(checkpoint) as Readonly<Record<string, string>>));
    for (const [at, to] of people.entries()) {
      if (sent.has(to)) continue;
      await context.iteration(Math.max(iterations, at + 1));
      // Once, whatever happens: the second run of this call gets what the first one got.
      const number = await context.tool(`letter to ${to}`, {}, ({ signal }) => post(to, signal));
      sent.set(to, number);
      await context.checkpoint(Object.fromEntries(sent));
    }
    return { output: `sent ${[...sent.values()].join(', ')}` };
  };
}
