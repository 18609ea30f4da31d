/**
 * Answers without secrets: what looks like one, or stands under a secret's name, has a stand-in.
 *
 * Pure. Callers: this folder, for every answer that has somebody's data in it. Invariants:
 *  1  What the kernel wrote (ids, seqs, states, addresses, sources) stays. What is not known here is data.
 *  2  A secret that is found anywhere in an answer, or in what it was made of, is replaced everywhere in it.
 */
import { errorAdvice, HoldfastError, isHoldfastError } from '../../errors.js';
import { isPlainObject, type Json } from '../../json.js';
import type { Visit } from '../capsule/own-data.js';
import { Redaction } from '../capsule/redaction.js';

const names = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** The kernel's own, or the program's: its charts. */
const KEPT = names(
  'actors address by cause child children code config cursor eventId file guards hash id kind machine ' +
    'mediaType name pool provider rel root sends session source src state status targets to traceparent ' +
    'type value version',
);

/** Of machines and users: searched whole. */
const OWN = names('before context emitted entry error event events failure input output after');

/** A text in which somebody's code may have put what it knows, as what a machine threw. */
export function veiledText(text: string, madeOf: readonly unknown[]): string {
  return veiled({ text }, madeOf).text;
}

/** Errors that tell what a user's machine threw, by its context. */
const THROWN = names('ACTOR_FAILED ACTOR_QUARANTINED MIGRATION_FAILED REPLAY_DIVERGED');

/** An error with its words veiled. Its cause is left behind: that is as it was thrown. */
export function veiledError(error: unknown, madeOf: readonly unknown[]): unknown {
  if (!isHoldfastError(error) || !THROWN.has(error.code)) return error;
  const { code, details } = error;
  const advice = errorAdvice[code];
  const said = error.message.endsWith(advice) ? error.message.slice(0, -advice.length) : error.message;
  const shown = veiledText(said, madeOf);
  return shown === said ? error : new HoldfastError(code, shown.trimEnd().replace(/\.$/, ''), { details });
}

/** `madeOf`: what the answer was made of, and may have secrets from. */
export function veiled<Answer>(answer: Answer, madeOf: readonly unknown[] = []): Answer {
  const redaction = new Redaction(undefined, true);
  redaction.learn(madeOf, (data, visit) => {
    for (const each of data) if (each !== undefined) visit('', each as Json);
    return data;
  });
  redaction.learn(answer, throughAnswer);
  return redaction.apply(answer, throughAnswer);
}

function throughAnswer<Answer>(answer: Answer, visit: Visit): Answer {
  return through('', answer, visit) as Answer;
}

function through(path: string, value: unknown, visit: Visit): unknown {
  if (typeof value === 'string') return visit(path, value);
  if (Array.isArray(value)) return value.map((each, index) => through(`${path}/${index}`, each, visit));
  if (!isPlainObject(value)) return value;
  const members = Object.entries(value).map(([name, each]) => {
    if (each === undefined || KEPT.has(name)) return [name, each];
    const at = `${path}/${name}`;
    return [name, OWN.has(name) ? visit(at, each as Json) : through(at, each, visit)];
  });
  return Object.fromEntries(members) as unknown;
}
