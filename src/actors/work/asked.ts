/**
 * What callers and workers ask of work items, checked once, at the door.
 *
 * Pure. Callers: the parts of the work façade. Throws INVALID_INPUT naming the field.
 */
import { z } from 'zod';
import { wordsOf } from '../../attempt.js';
import { addressOf, splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { WorkError } from '../../machines/index.js';
import { redactText, shortWord } from '../../providers/index.js';
import { checked, checkedJson, text } from '../checked.js';

export const PRIORITY_MAX = 255;
export const ATTEMPTS_MAX = 1_000;

export const kindName = text(200);
const priority = z.number().int().min(0).max(PRIORITY_MAX);
const attemptsMax = z.number().int().min(1).max(ATTEMPTS_MAX);
const ttlMs = z.number().int().min(limits.workTtlMinMs).max(limits.workTtlMaxMs);
const time = z.union([z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), z.date().transform(Number)]);

const newWork = z.strictObject({
  kind: kindName,
  payload: z.unknown().optional(),
  priority: priority.optional(),
  runAt: time.optional(),
  dedupeKey: text(300).optional(),
  attemptsMax: attemptsMax.optional(),
  notify: z.string().refine(isAddress, 'is no address like "order/77"').optional(),
});
export type CheckedWork = z.output<typeof newWork>;

const kindList = z.array(kindName).min(1).max(limits.workShelvesMax);
const claiming = z.strictObject({
  kinds: kindList.optional(),
  max: z.number().int().min(1).max(limits.workClaimsMax),
  workerId: text(300).optional(),
  ttlMs: ttlMs.optional(),
  epoch: z.number().int().optional(),
});
const ttl = z.strictObject({ ttlMs: ttlMs.optional() });
const failing = z.strictObject({
  retry: z.boolean().optional(),
  retryInMs: z.number().int().min(0).max(limits.workRetryInMaxMs).optional(),
});
const handling = z.strictObject({
  kind: kindName,
  concurrency: z.number().int().min(1).max(limits.workClaimsMax).optional(),
  workerId: text(300).optional(),
  ttlMs: ttlMs.optional(),
});

/** An item to enqueue, but for its payload, which is its kind's to check. */
export function checkedWork(asked: unknown): CheckedWork {
  return checked(newWork, asked);
}

export function checkedClaim(
  kinds: readonly string[] | undefined,
  max: number,
  asked: object,
): Omit<z.output<typeof claiming>, 'kinds' | 'max'> {
  return checked(claiming, { ...asked, ...(kinds === undefined ? {} : { kinds }), max });
}

/** Kinds as callers name them. */
export function kindsOf(kinds: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof kinds === 'string' ? [kinds] : kinds;
}

export function checkedTtl(asked: unknown): z.output<typeof ttl> {
  return checked(ttl, asked);
}

export function checkedFail(asked: unknown): z.output<typeof failing> {
  return checked(failing, asked);
}

export function checkedHandling(kind: string, asked: object): void {
  checked(handling, { ...asked, kind });
}

/** A copy of a value that is kept in a row of its own. */
export function asJson(field: string, value: unknown): Json {
  return jsonRow(field, value).json;
}

export interface JsonRow {
  readonly json: Json;
  /** Of its text. */
  readonly bytes: number;
}

/** The same, and how long it is. */
export function jsonRow(field: string, value: unknown): JsonRow {
  const { text: json, bytes } = checkedJson(field, value, limits.payloadBytesMax);
  return { json: JSON.parse(json) as Json, bytes };
}

/** What a worker's error is kept as: without secrets, and no longer than an error may be. */
export function workErrorOf(error: unknown): WorkError {
  const { code, message } = wordsOf(error);
  return { code: shortWord(code), message: redactText(message).toWellFormed() };
}

function isAddress(address: string): boolean {
  try {
    const { kind, id } = splitAddress(address);
    return addressOf(kind, id) === address;
  } catch {
    return false;
  }
}
