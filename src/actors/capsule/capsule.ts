/**
 * A capsule: one actor as JSON. What happened to it, where it stands, and hashes that tell whether it is as
 * it was exported.
 *
 * Pure. Callers: this room. Invariants:
 *  1  The hashes are over what is in the capsule, after redaction: who has it can check it.
 *  2  Each link of the chain is the sha256 of the link before and the entry's canonical JSON; the seal is
 *     over the last link and all else. They tell damage and careless edits: no key is involved.
 */
import { sha256Hex } from '../../ids.js';
import { canonicalJson, type Json } from '../../json.js';
import type { ActorRecord, ActorRows, EffectRow, Gap, JournalEntry, Waiting } from '../kernel/index.js';

export interface Capsule {
  readonly format: 1;
  /** `kind/id`: whose capsule it is. */
  readonly address: string;
  readonly kind: string;
  readonly id: string;
  /** The machine's id, the version the actor is of, and the hash of its structure. */
  readonly machine: string;
  readonly version: string;
  readonly hash: string;
  /** Epoch milliseconds. */
  readonly exportedAt: number;
  /** Where it stands: the actor's row as it is stored, without its snapshot where that is amortized. */
  readonly record: ActorRecord;
  /** The record that the journal goes on from; absent when it begins with the creation. */
  readonly checkpoint?: ActorRecord | undefined;
  /** Its kept steps (1,024 or 1 MiB), oldest first. */
  readonly journal: readonly ChainedEntry[];
  /** The effects that are not finished, with their inputs and started marks. */
  readonly outbox: readonly EffectRow[];
  /** What waits for it, oldest first. */
  readonly inbox: readonly Waiting[];
  readonly payloads: Readonly<Record<string, Json>>;
  /** The attachment files that it holds, by name: what it finds of them is where it comes in. */
  readonly holds?: ActorRows['holds'];
  /** The states of its machine's version, where they are stored: a migration needs them. */
  readonly shape?: ActorRows['shape'];
  /** What could not be read, or was too much. */
  readonly gaps: readonly Gap[];
  /** JSON pointers to what was taken out; stand-ins are `[redacted:N]`, the same for the same secret. */
  readonly redacted: readonly string[];
  readonly seal: string;
}

export interface ChainedEntry {
  readonly entry: JournalEntry;
  readonly chain: string;
}

/** Why a capsule is not what was exported. */
export type Broken = { readonly what: 'entry'; readonly seq: number | undefined } | { readonly what: 'seal' };

export function chained(journal: readonly JournalEntry[]): readonly ChainedEntry[] {
  let chain = '';
  return journal.map((entry) => {
    chain = link(chain, entry);
    return { entry, chain };
  });
}

export function sealed(capsule: Omit<Capsule, 'seal'>): Capsule {
  return { ...capsule, seal: sealOf(capsule) };
}

/** The first thing that does not fit the hashes; `journal` is what the capsule has under that name. */
export function brokenAt(
  capsule: Readonly<Record<string, unknown>>,
  journal: readonly Readonly<Record<string, unknown>>[],
): Broken | undefined {
  let chain = '';
  for (const { entry, chain: given } of journal) {
    chain = link(chain, entry);
    if (chain === given) continue;
    const seq: unknown = typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'seq') : undefined;
    return { what: 'entry', seq: typeof seq === 'number' ? seq : undefined };
  }
  const { seal, ...rest } = capsule;
  return seal === sealOf({ ...rest, journal }) ? undefined : { what: 'seal' };
}

function link(before: string, entry: unknown): string {
  return sha256Hex(before + (canonicalJson(entry) ?? ''));
}

function sealOf({ journal, ...rest }: { readonly journal: readonly { readonly chain?: unknown }[] }): string {
  return sha256Hex(canonicalJson({ ...rest, journal: journal.length, last: journal.at(-1)?.chain ?? '' }));
}
