/**
 * What an adapter's factory refuses of its options: a name it does not know, a value of the wrong kind.
 *
 * Types say the same to who writes TypeScript; a module for `holdfast serve` is JavaScript, and an option
 * that is misspelt there would send a key to where nobody meant it. Pure. Callers: the adapter files.
 * Invariants:
 *  1  No value is told, since it may be a key; but for one that should be a word of a short list.
 *  2  An option that is undefined was not given.
 */
import { HoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { secretsIn, type AdapterOptions } from './account.js';

interface Kind {
  readonly fits: (value: unknown) => boolean;
  readonly must: string;
}

const SECRET = /^whsec_[A-Za-z0-9+/]+={0,2}$/;
const PAIR = ['accessKey', 'secretKey'];

const isText = (value: unknown): value is string => typeof value === 'string';
const isFunction = (value: unknown): boolean => typeof value === 'function';
const areTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isPair = (value: unknown): boolean => isPlainObject(value) && PAIR.every((name) => isText(value[name]));
// What a variable gives may be missing: such an account has no key.
const isByAlias = (value: unknown, isKey: (key: unknown) => boolean): boolean =>
  isPlainObject(value) && Object.values(value).every((key) => key === undefined || isKey(key));

const kinds = {
  text: { fits: (value) => isText(value) && value !== '', must: 'a text that is not empty' },
  texts: { fits: areTexts, must: 'a list of texts' },
  flag: { fits: (value) => typeof value === 'boolean', must: 'true or false' },
  function: { fits: isFunction, must: 'a function' },
  object: { fits: (value) => typeof value === 'object' && value !== null, must: 'an object' },
  key: {
    fits: (value) => isText(value) || isFunction(value) || isByAlias(value, isText),
    must: 'a text, an object of texts by alias, or a function of the alias',
  },
  keyOrPair: {
    fits: (value) => {
      if (isText(value) || isFunction(value)) return true;
      const isMeantAsPair = isPlainObject(value) && PAIR.some((name) => Object.hasOwn(value, name));
      return isMeantAsPair ? isPair(value) : isByAlias(value, (key) => isText(key) || isPair(key));
    },
    must: 'a text, { accessKey, secretKey }, an object of these by alias, or a function of the alias',
  },
  secrets: {
    // An empty text is an account without a secret, as an empty variable is.
    fits: (value) =>
      isFunction(value) ||
      ((isText(value) || areTexts(value)) && secretsIn(value).every((secret) => SECRET.test(secret))),
    must: '"whsec_" and base64, a list of such, or a function of the alias',
  },
} satisfies Readonly<Record<string, Kind>>;

/** A kind of value, or the words it may be. */
export type OptionRule = keyof typeof kinds | readonly string[];

/** One rule for each option that an adapter has beside those of all. */
export type OptionRules<Options> = Readonly<
  Record<Exclude<keyof Options, keyof AdapterOptions>, OptionRule> & { apiKey?: OptionRule }
>;

const shared: Readonly<Record<keyof AdapterOptions, OptionRule>> = {
  apiKey: 'key',
  env: 'function',
  baseUrl: 'text',
  trustedOrigins: 'texts',
  limits: 'object',
  jobs: 'object',
  clock: 'object',
};

/** Throws `INVALID_OPTIONS` that names the option. */
export function checkOptions<Options extends object>(
  provider: string,
  options: Options,
  own: OptionRules<Options>,
): void {
  const wrong = (option: string, message: string): never => {
    throw new HoldfastError('INVALID_OPTIONS', `${provider}: ${option} ${message}`, { details: { option } });
  };
  if (!isPlainObject(options)) return wrong('options', 'must be an object');
  const rules = new Map<string, OptionRule>(Object.entries({ ...shared, ...own }));
  for (const [name, value] of Object.entries(options)) {
    const rule = rules.get(name);
    if (rule === undefined) return wrong(name, `is no option; there are ${[...rules.keys()].join(', ')}`);
    const must = value === undefined ? undefined : unmet(rule, value);
    if (must !== undefined) wrong(name, `must be ${must}`);
  }
}

/** What a value should have been; undefined when it is that. */
function unmet(rule: OptionRule, value: unknown): string | undefined {
  if (isText(rule)) return kinds[rule].fits(value) ? undefined : kinds[rule].must;
  if (isText(value) && rule.includes(value)) return undefined;
  return `one of ${rule.join(', ')}${isText(value) ? `, not "${value}"` : ''}`;
}
