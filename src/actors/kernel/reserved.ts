/**
 * The durable actions every machine may use (K8), read from the params a chart gave them.
 *
 * Pure. Callers: turn.ts, which writes their rows in the batch of the step that asked for them.
 */
import { HoldfastError } from '../../errors.js';
import { addressOf, splitAddress } from '../../ids.js';
import { firstNonJson, isPlainObject, type Json, type JsonEvent } from '../../json.js';
import { isKeyPart } from './definition.js';
import { untilOf } from './expiring.js';

export type Reserved =
  /** A peer actor; nothing happens when it exists already. */
  | { readonly type: 'actor.create'; readonly to: string; readonly input: Json | undefined }
  | { readonly type: 'actor.send'; readonly to: string; readonly event: JsonEvent }
  | { readonly type: 'history.append'; readonly session: string | undefined; readonly entry: Json }
  /** Removed after `until`, in epoch milliseconds, where there is one. */
  | { readonly type: 'payload.put'; readonly name: string; readonly value: Json; readonly until?: number }
  | { readonly type: 'payload.delete'; readonly name: string }
  | { readonly type: 'file.hold' | 'file.release'; readonly name: string; readonly files: readonly string[] };

/**
 * The reserved action behind a name, or undefined for a custom action. Throws INVALID_DEFINITION on bad
 * params.
 */
export function reservedAction(name: string, params: unknown): Reserved | undefined {
  switch (name) {
    case 'actor.create': {
      const { kind, id, input } = fields(name, params);
      const to = addressOf(text(name, 'kind', kind), text(name, 'id', id));
      if (input !== undefined) mustBeJson(name, 'input', input);
      return { type: name, to, input: input as Json | undefined };
    }
    case 'actor.send': {
      const { to, event } = fields(name, params);
      if (!isPlainObject(event) || typeof event['type'] !== 'string') throw badParams(name, 'event');
      const address = text(name, 'to', to);
      const { kind, id } = splitAddress(address);
      mustBeJson(name, 'event', event);
      return { type: name, to: addressOf(kind, id), event: event as JsonEvent };
    }
    case 'history.append': {
      const { session, entry = null } = fields(name, params);
      mustBeJson(name, 'entry', entry);
      const whose = session === undefined ? undefined : text(name, 'session', session);
      return { type: name, session: whose, entry: entry as Json };
    }
    case 'payload.put': {
      const { name: payload, value = null, expires = false } = fields(name, params);
      mustBeJson(name, 'value', value);
      if (typeof expires !== 'boolean') throw badParams(name, 'expires');
      const put = { type: name, name: text(name, 'name', payload), value: value as Json } as const;
      if (!expires) return put;
      const until = untilOf(value);
      if (until === undefined) throw badParams(name, 'value.until');
      return { ...put, until };
    }
    case 'payload.delete':
      return { type: name, name: text(name, 'name', fields(name, params)['name']) };
    case 'file.hold':
    case 'file.release': {
      const { name: hold, files } = fields(name, params);
      if (!Array.isArray(files)) throw badParams(name, 'files');
      const each = files.map((file: unknown) => text(name, 'files', file));
      return { type: name, name: text(name, 'name', hold), files: each };
    }
    default:
      return undefined;
  }
}

function fields(action: string, params: unknown): Record<string, unknown> {
  if (!isPlainObject(params)) throw badParams(action, 'params');
  return params;
}

function text(action: string, name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || !isKeyPart(value)) throw badParams(action, name);
  return value;
}

function mustBeJson(action: string, name: string, value: unknown): void {
  if (firstNonJson(value) !== undefined) throw badParams(action, name);
}

function badParams(action: string, name: string): HoldfastError {
  return new HoldfastError('INVALID_DEFINITION', `the action ${action} was given no usable "${name}"`);
}
