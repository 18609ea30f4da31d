/**
 * What became of a tool call, as a row: its result, or what it threw.
 *
 * Pure. Callers: run-context.ts, tasks.ts. Invariant: a call gives the same at every run, from the row or
 * not.
 */
import { sha256Hex } from '../../ids.js';
import { isPlainObject, type Json } from '../../json.js';
import { limits } from '../../limits.js';
import { taskRows } from '../../machines/index.js';
import { checkedJson } from '../checked.js';
import { cutText } from './cut.js';

/** What a tool threw. */
type Thrown = { readonly name: string; readonly message: string; readonly code?: string };

export type ToolRecord = { readonly result: Json } | { readonly error: Thrown };

export function toolRow(life: number, callId: string): string {
  return taskRows.tool(life, sha256Hex(callId).slice(0, 32));
}

const RESULT_BYTES_MAX = limits.payloadBytesMax - '{"result":}'.length;

/** Throws INVALID_INPUT for what is not JSON, or over 256 KiB of it. Undefined is null. */
export function resultRecord(result: unknown): ToolRecord {
  if (result === undefined) return { result: null };
  const { text } = checkedJson('result', result, RESULT_BYTES_MAX);
  return { result: JSON.parse(text) as Json };
}

/** Whatever it is: a tool that ended must not look like one that was cut off. */
export function thrownRecord(thrown: unknown): ToolRecord {
  try {
    return readRecord(thrown);
  } catch {
    return { error: { name: 'Error', message: 'the tool threw what cannot be put in words' } };
  }
}

function readRecord(thrown: unknown): ToolRecord {
  const isError = thrown instanceof Error;
  const code: unknown = isPlainObject(thrown) || isError ? Reflect.get(thrown, 'code') : undefined;
  const short = (text: string): string => cutText(text, limits.taskTextBytesMax).text;
  return {
    error: {
      name: isError ? short(String(thrown.name)) : 'Error',
      message: short(String(isError ? thrown.message : thrown)),
      ...(typeof code === 'string' ? { code: short(code) } : {}),
    },
  };
}

/** Gives the result of a call, or throws what it threw. */
export function outcomeOf(record: ToolRecord): Json {
  if ('result' in record) return record.result;
  const { name, message, code } = record.error;
  throw Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });
}
