/**
 * Where settings come from that no option gave: the environment of the process.
 *
 * Owns: the only reading of `process.env`. Callers: the factories that take an `env` option.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment as it is now; asked again at each use, so that a changed key is seen without a restart. */
export function environment(): Environment {
  return process.env;
}
