/**
 * A model that needs no key: it thinks in steps, answers each message by a script, and films when told to.
 *
 * It knows nothing of sessions, and what it is given is all that it remembers.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** What it heard: an input, or news of something that it had started. */
export interface Heard {
  /** The same when it is heard again after a crash. */
  readonly id: string;
  readonly text: string;
  readonly isNews: boolean;
}

export interface Answer {
  readonly text: string;
  readonly films: readonly { readonly id: string; readonly prompt: string }[];
}

const STEPS = 4;

/** Thinks, and asks between its steps whether there is more to hear; then answers everything at once. */
export async function think(
  heard: readonly Heard[],
  { stepMs, signal }: { readonly stepMs: number; readonly signal: AbortSignal },
  between: (step: string) => Promise<readonly Heard[]>,
): Promise<Answer> {
  const all = [...heard];
  for (let step = 1; step <= STEPS; step += 1) {
    await pause(stepMs, undefined, { signal });
    all.push(...(await between(`${step} of ${STEPS}`)));
  }
  return {
    text: all.map(answerTo).join(' '),
    films: all.filter(isOrder).map(({ id, text }) => ({ id, prompt: text.slice('film '.length) })),
  };
}

function isOrder({ text, isNews }: Heard): boolean {
  return !isNews && text.startsWith('film ');
}

function answerTo(heard: Heard): string {
  if (heard.isNews) return `News: ${heard.text}.`;
  return isOrder(heard) ? `I began to ${heard.text}; go on talking.` : `You said "${heard.text}".`;
}
