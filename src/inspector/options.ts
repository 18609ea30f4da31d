/**
 * What an inspector is opened with, and the check of it at the door.
 *
 * Pure but for the token it makes. Callers: open-inspectors.ts, the CLI; users through `runtime.inspector`.
 */
import { z } from 'zod';
import { isOperatorName } from '../actors/index.js';
import { HoldfastError } from '../errors.js';
import { newId } from '../ids.js';

export interface InspectorOptions {
  /** Let its page act on actors: cancel, retry, send. Default false: it looks. */
  readonly allowActions?: boolean;
  /** Who acts, in the journal; default: who the page says, or `inspector`. As `OperatorOptions`. */
  readonly operator?: string;
  /** What opens it: 21 to 200 of `A-Z a-z 0-9 _ - . ~`. Default: a fresh one of 126 bits. */
  readonly token?: string;
  /** Names that browsers may reach it by beside loopback: `agents.example.com`, with or without a port. */
  readonly hosts?: readonly string[];
  /** Below which path of your server it is: `/inspector`. Default: the root. */
  readonly basePath?: string;
  /** Where your server listens: on loopback no other port is then taken for its own. Default: any is. */
  readonly port?: number;
}

export interface CheckedOptions {
  readonly allowActions: boolean;
  readonly operator: string | undefined;
  readonly token: string;
  readonly hosts: readonly string[];
  /** Without a last slash; '' for the root. */
  readonly basePath: string;
  readonly port: number | undefined;
}

const schema = z.strictObject({
  allowActions: z.boolean('is neither true nor false').default(false),
  operator: z
    .string()
    .refine(isOperatorName, 'is no name that can be seen, of 1 to 100 characters')
    .optional(),
  token: z
    .string()
    .regex(/^[\w.~-]{21,200}$/, 'is not 21 to 200 letters, digits, "_", "-", "." and "~"')
    .default(() => newId('inspector')),
  hosts: z
    .array(
      z.string().regex(/^([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?$/, 'is not a name like "agents.example.com"'),
    )
    .max(100)
    .default([]),
  basePath: z
    .string()
    .regex(/^(\/[\w-][\w.~-]*)*\/?$/, 'is not a path like "/inspector"')
    .default(''),
  port: z.int().min(1).max(65_535).optional(),
});

/** Throws INVALID_OPTIONS. */
export function checkInspector(options: InspectorOptions = {}): CheckedOptions {
  const result = schema.safeParse(options);
  if (!result.success) {
    const [issue] = result.error.issues;
    const field = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys : [])].join(
      '.',
    );
    const why = issue?.code === 'unrecognized_keys' ? 'no such option' : issue?.message;
    throw new HoldfastError('INVALID_OPTIONS', `inspector.${field}: ${why}`);
  }
  const { allowActions, operator, token, hosts, basePath, port } = result.data;
  return {
    ...{ allowActions, operator, token, port },
    hosts: hosts.map((host) => host.toLowerCase()),
    basePath: basePath.replace(/\/$/, ''),
  };
}
