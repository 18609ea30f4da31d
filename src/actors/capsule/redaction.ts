/**
 * Redaction: what may leave the store's machine, in a capsule or in an answer of the inspection.
 *
 * Callers: capsules.ts, the inspection. Invariants:
 *  R1  A text under a secret's name, and whatever looks like a secret in any other, leaves in no form: one
 *      that was found anywhere is replaced everywhere.
 *  R2  One secret has one stand-in within a capsule or an answer, and different ones different ones: guards
 *      that compare them decide as before.
 *  R3  Stand-ins of an earlier capsule are told as what they are, and no new one is called like them.
 *  R4  What the kernel itself wrote (ids, seqs, states, addresses) stays: a replay needs it.
 */
import { HoldfastError } from '../../errors.js';
import { firstNonJson, isPlainObject, type Json, type JsonObject } from '../../json.js';
import { replaceSecrets } from '../../secret-shapes.js';
import type { ActorRows } from '../kernel/index.js';
import { pointerPart, withOwnData, type Visit } from './own-data.js';
import { isSecretName, mayBeSecret } from './secret-names.js';
import { jsonWithin, replaceNamed } from './secret-texts.js';

/**
 * Looks at every value of the actor's data, an object before its members, and within texts that are JSON;
 * what it returns instead stands there. `path` is the value's JSON pointer in the capsule. It must be pure,
 * and return JSON.
 */
export type Redact = Visit;

export interface Redacted {
  readonly rows: ActorRows;
  readonly pointers: readonly string[];
}

/** Shorter ones would blank out ordinary words: within other texts, and where they are all of one. */
const KNOWN_CHARS_MIN = 8;
const WHOLE_CHARS_MIN = 4;

/** Two are enough for what people write; a text can be made that needs one for each of its words. */
const ROUNDS_MAX = 8;

const STAND_IN = /^\[redacted(?::\d+)?\]$/;
const STAND_INS = /\[redacted:(\d+)\]/g;
const SCHEME = /^((?:bearer|basic|key)\s+)(.+)$/is;

/** Objects that were looked at, and what is shown instead of them. */
interface Parts {
  readonly learned: WeakSet<object>;
  readonly shown: WeakMap<object, Json>;
}

/** The rows without secrets; with `false` as they are. */
export function redactRows(rows: ActorRows, own: Redact | false | undefined): Redacted {
  const redaction = new Redaction(own);
  if (own !== false) redaction.learn(rows, throughRows);
  return { rows: redaction.apply(rows, throughRows), pointers: redaction.pointers };
}

/** Gives what is somebody's own data through `visit`; the rest stays as it is. */
export type Walk<Data> = (data: Data, visit: Visit) => Data;

export class Redaction {
  readonly pointers: string[] = [];
  readonly #own: Redact | undefined;
  readonly #isOff: boolean;
  readonly #standIns = new Map<string, string>();
  readonly #known = new Set<string>();
  /** Texts that were looked at, and hold nothing that looks like a secret. */
  readonly #plain = new Set<string>();
  readonly #parts: Parts | undefined;
  #pattern: RegExp | undefined;
  /** The number of the newest stand-in. */
  #newest = 0;

  /**
   * `sharesParts`: objects that come again, as those of one context in the next do, are looked at once; the
   * pointers are then not complete.
   */
  constructor(own: Redact | false | undefined, sharesParts = false) {
    this.#parts = sharesParts ? { learned: new WeakSet(), shown: new WeakMap() } : undefined;
    this.#isOff = own === false;
    this.#own = own === false ? undefined : own;
  }

  /** Finds the secrets that must not stand within any other text. */
  learn<Data>(data: Data, walk: Walk<Data>): void {
    walk(data, (_path, value) => {
      this.#learn(value, false);
      return value;
    });
    const known = [...this.#known]
      .filter((secret) => secret.length >= KNOWN_CHARS_MIN)
      .toSorted((a, b) => b.length - a.length);
    if (known.length > 0) this.#pattern = new RegExp(known.map(escaped).join('|'), 'g');
  }

  /** The data without the secrets that were found, and without what looks like one. */
  apply<Data>(data: Data, walk: Walk<Data>): Data {
    return walk(data, (path, value) => this.#value(path, value, false));
  }

  #learn(value: Json | undefined, isSecret: boolean): void {
    if (typeof value === 'string') this.#learnText(value, isSecret);
    else if (!isSecret && this.#isLearned(value)) return;
    else if (Array.isArray(value)) {
      const list = value as readonly Json[];
      for (const [index, each] of list.entries()) this.#learn(each, isSecret || isNamedIn(list, index));
    } else if (isObject(value)) {
      for (const [name, each] of Object.entries(value))
        this.#learn(each, isSecret || isSecretIn(value, name));
    }
  }

  /** True for an object that was looked at before. */
  #isLearned(value: Json | undefined): boolean {
    if (this.#parts === undefined || typeof value !== 'object' || value === null) return false;
    if (this.#parts.learned.has(value)) return true;
    this.#parts.learned.add(value);
    return false;
  }

  #learnText(text: string, isSecret: boolean): void {
    if (!isSecret && this.#plain.has(text)) return;
    let isPlain = true;
    const learn = (secret: string): void => {
      if (secret.length >= WHOLE_CHARS_MIN && !STAND_IN.test(secret)) this.#known.add(secret);
    };
    for (const [, number] of text.matchAll(STAND_INS)) this.#newest = Math.max(this.#newest, Number(number));
    const json = isSecret ? undefined : jsonWithin(text);
    if (json !== undefined) this.#learn(json, false);
    replaceNamed(text, (secret) => {
      isPlain = false;
      // Prose says `password: required` too.
      if (/\d/.test(secret)) learn(secret);
      return secret;
    });
    const shown = replaceSecrets(text, (secret, isKey) => {
      isPlain = false;
      if (isKey) learn(secret);
      return secret;
    });
    if (isPlain && json === undefined && shown === text) this.#plain.add(text);
    if (isSecret && mayBeSecret(text)) learn(SCHEME.exec(text)?.[2] ?? text);
  }

  #value(path: string, value: Json, isSecret: boolean): Json {
    if (this.#parts === undefined || isSecret || typeof value !== 'object' || value === null)
      return this.#look(path, value, isSecret);
    const known = this.#parts.shown.get(value);
    if (known !== undefined) return known;
    const shown = this.#look(path, value, isSecret);
    this.#parts.shown.set(value, shown);
    return shown;
  }

  #look(path: string, value: Json, isSecret: boolean): Json {
    const own = this.#own?.(path, value);
    if (this.#own !== undefined && own !== value) return this.#owned(path, own);
    if (typeof value === 'string') return this.#text(path, value, isSecret);
    if (Array.isArray(value)) {
      const list = value as readonly Json[];
      return list.map((each, index) =>
        this.#value(`${path}/${index}`, each, isSecret || isNamedIn(list, index)),
      );
    }
    return isObject(value) ? this.#object(path, value, isSecret) : value;
  }

  #object(path: string, value: JsonObject, isSecret: boolean): JsonObject {
    const members = Object.entries(value).flatMap(([name, each]) => {
      if (each === undefined) return [];
      const shown = this.#hidden(name);
      const at = `${path}/${pointerPart(shown)}`;
      if (holdsStandIn(shown)) this.pointers.push(at);
      // An event is what its type says, whatever secret is called alike.
      if (name === 'type' && typeof each === 'string') return [[shown, each] as const];
      return [[shown, this.#value(at, each, isSecret || isSecretIn(value, name))] as const];
    });
    return Object.fromEntries(members);
  }

  #text(path: string, text: string, isSecret: boolean): string {
    const isWhole = this.#known.has(text) || (isSecret && !this.#isOff && mayBeSecret(text));
    const shown = isWhole ? this.#standIn(text) : (this.#hiddenJson(path, text) ?? this.#hidden(text));
    // The users of URLs leave without a trace.
    if (shown !== text || holdsStandIn(shown)) this.pointers.push(path);
    return shown;
  }

  /** JSON as a text, without the secrets it holds; undefined where it holds none or is none. */
  #hiddenJson(path: string, text: string): string | undefined {
    const json = this.#isOff ? undefined : jsonWithin(text);
    if (json === undefined) return undefined;
    const before = this.pointers.length;
    const shown = this.#value(path, json, false);
    // A pointer leads to the text, not into it.
    return this.pointers.splice(before).length === 0 ? undefined : JSON.stringify(shown);
  }

  #hidden(text: string): string {
    if (this.#isOff) return text;
    // Known ones first: a shape within one of them would leave the rest of it standing.
    const shown =
      this.#pattern === undefined ? text : text.replace(this.#pattern, (secret) => this.#standIn(secret));
    return this.#plain.has(shown) ? shown : this.#withoutShapes(shown);
  }

  /** Without what looks like a secret by itself, or does so beside the stand-in of another. */
  #withoutShapes(text: string): string {
    let shown = text;
    for (let before = '', round = 0; shown !== before && round < ROUNDS_MAX; round += 1) {
      before = shown;
      shown = replaceSecrets(shown, (secret) => this.#standIn(secret));
      shown = replaceNamed(shown, (secret) => this.#standIn(secret));
    }
    return shown;
  }

  /** What stands for the secret; the scheme before it stays. */
  #standIn(secret: string): string {
    const [, scheme = '', rest = secret] = SCHEME.exec(secret) ?? [];
    if (STAND_IN.test(rest)) return secret;
    const known = this.#standIns.get(rest);
    if (known !== undefined) return scheme + known;
    this.#newest += 1;
    const standIn = `[redacted:${this.#newest}]`;
    this.#standIns.set(rest, standIn);
    return scheme + standIn;
  }

  #owned(path: string, own: unknown): Json {
    if (own === undefined || firstNonJson(own) !== undefined) {
      const message = `"redact": what it returns for ${path} is not JSON`;
      throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'redact' } });
    }
    this.pointers.push(path);
    return own as Json;
  }
}

/** A capsule's rows, with what is the actor's own given through `visit`. */
function throughRows(rows: ActorRows, visit: Visit): ActorRows {
  const fields = <Row extends object>(path: string, row: Row): Row => withOwnData(path, row, visit);
  const { record, checkpoint, journal, outbox, inbox, payloads } = rows;
  return {
    ...rows,
    record: fields('/record', record),
    ...(checkpoint && { checkpoint: fields('/checkpoint', checkpoint) }),
    journal: journal.map((entry, index) => fields(`/journal/${index}/entry`, entry)),
    outbox: outbox.map((row, index) => fields(`/outbox/${index}`, row)),
    inbox: inbox.map(({ ord, row }, index) => ({ ord, row: fields(`/inbox/${index}/row`, row) })),
    payloads: Object.fromEntries(
      Object.entries(payloads).map(([name, value]) => [name, visit(`/payloads/${pointerPart(name)}`, value)]),
    ),
  };
}

function isObject(value: Json | undefined): value is JsonObject {
  return isPlainObject(value);
}

function holdsStandIn(text: string): boolean {
  return text.search(STAND_INS) >= 0;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}

/** True for the value of a secret's name, and for that of `{name: 'Authorization', value: ...}`. */
function isSecretIn(owner: JsonObject, name: string): boolean {
  if (isSecretName(name)) return true;
  const named = owner['name'] ?? owner['key'] ?? owner['header'];
  return name === 'value' && typeof named === 'string' && isSecretName(named);
}

/** True for what stands after a secret's name in a list, as headers do, unless it is but a word. */
function isNamedIn(list: readonly Json[], index: number): boolean {
  const name = list[index - 1];
  const value = list[index];
  if (typeof name !== 'string' || !/^[\w-]{1,64}$/.test(name) || !isSecretName(name)) return false;
  return typeof value !== 'string' || !/^[a-z]*$/i.test(value);
}
