/**
 * The names of events, with what the effects of the actor that is shown are called.
 *
 * Callers: the panels; the stage says what effects without a name of their own are called.
 */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { eventWords, type EffectNames } from './event-words.js';

export const EffectNamesContext = createContext<EffectNames | undefined>(undefined);

/** `eventWords` with the names of the effects of the actor that is shown. */
export function useEventWords(): (type: string) => string {
  const names = useContext(EffectNamesContext);
  return (type) => eventWords(type, names);
}
