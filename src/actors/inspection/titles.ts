/**
 * What an actor is for, in a line, and whom it belongs to: told from its record alone.
 *
 * Pure. Callers: this folder. Invariant: an actor whose context is not stored with its record, or that is of
 * an unknown make, has no title; that is no fault.
 */
import { splitAddress } from '../../ids.js';
import { isPlainObject } from '../../json.js';
import { limits } from '../../limits.js';
import type { ActorRecord } from '../kernel/index.js';

type Loose = Readonly<Record<string, unknown>>;

export interface About {
  readonly title?: string;
  readonly session?: string;
  readonly provider?: string;
}

/** What a record shows of its actor's purpose. */
export function aboutOf(address: string, record: ActorRecord): About {
  const { kind, id } = splitAddress(address);
  const context = contextOf(record);
  const input = loose(context['input']);
  const title = oneLine(titleOf(kind, id, context, input));
  const session = kind === 'session' ? id : text(input['sessionKey']);
  const provider = providerOf(kind, context, input);
  return {
    ...(title !== undefined && { title }),
    ...(isOfConversation(kind) && session !== undefined && { session }),
    ...(provider !== undefined && { provider }),
  };
}

/** The context that is stored with a record; empty where it is not. */
export function contextOf({ snapshot }: ActorRecord): Loose {
  return loose(loose(snapshot)['context']);
}

export function loose(value: unknown): Loose {
  return isPlainObject(value) ? value : {};
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function titleOf(kind: string, id: string, context: Loose, input: Loose): string | undefined {
  switch (kind) {
    case 'job':
    case 'task':
      return text(input['label']);
    case 'work':
      return text(input['kind']);
    case 'delivery':
      return `${text(input['channel']) ?? '?'}: ${text(input['target']) ?? '?'}`;
    case 'session':
      return id;
    case 'schedule':
      return cadenceText(loose(input['cadence']));
    case 'parked':
      return text(loose(context['ref'])['taskId']);
    case 'provider':
      return text(context['message']);
    default:
      return text(context['title']) ?? text(context['name']) ?? text(context['label']);
  }
}

function cadenceText({ cron, everyMs, timezone }: Loose): string | undefined {
  const zone = text(timezone);
  if (text(cron) !== undefined) return zone === undefined ? String(cron) : `${String(cron)} ${zone}`;
  return typeof everyMs === 'number' ? `every ${everyMs} ms` : undefined;
}

function providerOf(kind: string, context: Loose, input: Loose): string | undefined {
  if (kind === 'job') return text(input['provider']);
  return kind === 'provider' || kind === 'parked' || kind === 'task' ? text(context['provider']) : undefined;
}

function isOfConversation(kind: string): boolean {
  return kind === 'session' || kind === 'job' || kind === 'task';
}

function oneLine(title: string | undefined): string | undefined {
  if (title === undefined) return undefined;
  const { inspectedTitleChars: max } = limits;
  // Bounded before it is looked at: a context may hold a megabyte under that name.
  const line = title
    .slice(0, max * 4)
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= max ? line : `${line.slice(0, max - 1).toWellFormed()}…`;
}
