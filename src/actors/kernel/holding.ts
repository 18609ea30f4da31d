/**
 * The attachment files that actors hold, by the actions `file.hold` and `file.release` (K8).
 *
 * A hold is two rows: one by file, which keeps the file from being removed as a declared reference does, and
 * one by actor, from which its removal learns what it held. A hold has a name, so that two parts of one actor
 * hold one file independently. Pure. Callers: turn.ts, collect.ts. Invariants:
 *  F1  Both rows are written and deleted in one stage.
 *  F2  Holds last until they are released or the actor's rows go, whatever else becomes of the actor: a
 *      restart or a new version of its machine ends none.
 */
import { keys, partsOf } from '../../store/keys.js';
import type { Stage } from './commit-loop.js';
import type { Reserved } from './reserved.js';

export type HoldAction = Extract<Reserved, { readonly type: 'file.hold' | 'file.release' }>;

const NONE: readonly string[] = [];

/** Returns the files that are let go of: somebody else may hold them still. */
export function writeHold(stage: Stage, address: string, action: HoldAction): readonly string[] {
  const { type, name, files } = action;
  for (const file of files) {
    const rows = [keys.held(address, name, file), keys.hold(file, address, name)];
    for (const key of rows) {
      if (type === 'file.hold') stage.put(key, true);
      else stage.delete(key);
    }
  }
  return type === 'file.release' ? files : NONE;
}

/** Releases what the rows of an actor that goes say it holds. Returns the files. */
export function releaseAll(stage: Stage, rows: readonly string[]): readonly string[] {
  const files: string[] = [];
  for (const key of rows) {
    if (!key.startsWith('f\0')) continue;
    const [address = '', name = '', file = ''] = partsOf(key);
    stage.delete(keys.hold(file, address, name));
    files.push(file);
  }
  return files;
}
