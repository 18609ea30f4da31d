/**
 * The chart of a kind: what its machine's config says, of whatever version is stored or defined.
 *
 * Callers: inspection.ts, capsule-look.ts. Invariant: a version and hash that are named are met, or it is
 * CHART_UNKNOWN.
 */
import { HoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import { chartConfigOf } from '../kernel/index.js';
import type { ChartView } from './face.js';
import type { Scene } from './scene.js';

export function chartOf(scene: Scene, kind: string, version?: string, hash?: string): ChartView {
  // A name that can be no kind's is a mistake, not an unknown chart.
  addressOf(kind, 'id');
  const found = definedChart(scene, kind, version, hash) ?? storedChart(scene, kind, version, hash);
  if (found !== undefined) return found;
  const which = [kind, version, hash].filter((part) => part !== undefined).join(' ');
  const message = `no chart of ${which} is defined here, or stored with an actor`;
  throw new HoldfastError('CHART_UNKNOWN', message, { details: { kind } });
}

function definedChart(
  { kernel }: Scene,
  kind: string,
  version: string | undefined,
  hash: string | undefined,
): ChartView | undefined {
  const definition = kernel.definitionOf(kind);
  if (definition?.machine === undefined) return undefined;
  const { version: own, hash: ownHash, machine } = definition;
  if ((version ?? own) !== own || (hash ?? ownHash) !== ownHash) return undefined;
  return { kind, version: own, hash: ownHash, config: chartConfigOf(machine) };
}

/** Of those that fit, the newest version's: `10` comes after `9`. */
function storedChart(
  { kernel }: Scene,
  kind: string,
  version: string | undefined,
  hash: string | undefined,
): ChartView | undefined {
  const newestFirst = kernel
    .counts(kind)
    .filter((row) => (version ?? row.version) === row.version && (hash ?? row.hash) === row.hash)
    .toSorted((a, b) => b.version.localeCompare(a.version, 'en', { numeric: true }));
  for (const { version: stored, hash: storedHash } of newestFirst) {
    const config = kernel.shape(kind, stored, storedHash)?.chart;
    if (config !== undefined) return { kind, version: stored, hash: storedHash, config };
  }
  return undefined;
}
