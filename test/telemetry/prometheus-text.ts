/**
 * A reader of Prometheus' text format, line by line, that refuses what the format does not allow.
 *
 * Callers: the tests of this folder. Invariant: every line of a text is a sample, a HELP or a TYPE, or it
 * throws.
 */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metrics {
  readonly samples: readonly Sample[];
  /** By name: counter, gauge, histogram. */
  readonly types: ReadonlyMap<string, string>;
  /** The one with these labels; undefined when there is none. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | undefined;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(String.raw`^(${NAME})(?:\{(.*)\})? (-?[0-9.e+-]+|\+Inf|-Inf|NaN)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

export function parsed(text: string): Metrics {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const samples: Sample[] = [];
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) types.set(name, type);
    else if (!/^# HELP \S+ \S/.test(line)) samples.push(sampleOf(line, types));
  }
  const value: Metrics['value'] = (wanted, labels = {}) =>
    samples.find((sample) => sample.name === wanted && sameLabels(sample.labels, labels))?.value;
  return { samples, types, value };
}

function sampleOf(line: string, types: ReadonlyMap<string, string>): Sample {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  const family = [name, name.replace(/_(bucket|sum|count)$/, '')].find((each) => types.has(each));
  if (family === undefined) throw new Error(`no sample of a typed metric: ${line}`);
  return { name, labels: labelsOf(labels), value: Number(value.replace('Inf', 'Infinity')) };
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  let left = text;
  while (left !== '') {
    const [whole, name, value] = LABEL.exec(left) ?? [];
    if (whole === undefined || name === undefined || value === undefined)
      throw new Error(`no label: ${left}`);
    if (Object.hasOwn(found, name)) throw new Error(`twice: ${name}`);
    found[name] = value.replaceAll(/\\(["\\n])/g, (_escape, char: string) => (char === 'n' ? '\n' : char));
    left = left.slice(whole.length);
  }
  return found;
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
