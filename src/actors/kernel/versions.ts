/**
 * What a definition may not do to the actors that are stored, checked when it is defined (K12).
 *
 * Callers: the kernel. Invariant: a structure has one hash for as long as actors of its version are stored;
 * the shape of every version with actors is known (see counts.ts).
 */
import { HoldfastError } from '../../errors.js';
import { chartConfigOf } from './chart-config.js';
import type { Counts } from './counts.js';
import type { Definition } from './definition.js';
import { shapeOf, type Shape } from './shape.js';

/** A definition and those of its children, theirs included. */
export function* familyOf(definition: Definition): Generator<Definition> {
  yield definition;
  for (const child of definition.children.values()) yield* familyOf(child);
}

/**
 * Throws INVALID_DEFINITION for a machine that changed under its version while actors of it are stored, and
 * for sources whose names make one kind: "a.b", and the "b" of a machine "a".
 */
export function admitVersions(counts: Counts, family: readonly Definition[]): void {
  const kinds = family.map(({ kind }) => kind);
  const twice = kinds.find((kind, index) => kinds.indexOf(kind) < index);
  if (twice !== undefined) {
    const message = `${twice}: another machine of the family is of that kind; rename one of the sources`;
    throw new HoldfastError('INVALID_DEFINITION', message);
  }
  for (const { kind, version, hash } of family) {
    const changed = counts.of(kind).some((row) => row.version === version && row.hash !== hash);
    if (!changed) continue;
    const stored = `and actors of the old one are stored; give it a new version`;
    const message = `${kind}: the machine changed under version ${version} ${stored}`;
    throw new HoldfastError('INVALID_DEFINITION', message);
  }
  for (const definition of family) {
    const shape = storedShape(definition);
    if (shape !== undefined) counts.define(definition.kind, definition.version, definition.hash, shape);
  }
}

/** As it is kept beside the actors of its version; transition logic has no states, and no shape. */
export function storedShape({ machine, snapshot }: Definition): Shape | undefined {
  if (machine === undefined) return undefined;
  const amortized = snapshot === 'amortized' ? ({ amortized: true } as const) : {};
  return { ...shapeOf(machine.root), ...amortized, chart: chartConfigOf(machine) };
}
