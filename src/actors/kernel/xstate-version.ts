/**
 * Is the xstate beside us the one whose inside the step adapter knows?
 *
 * Callers: step.ts, at each definition. Owns nothing. Invariant: the range is that of package.json's
 * peerDependencies (test/kernel/xstate-version.test.ts); npm refuses another xstate at install, unless it is
 * told not to.
 */
// Under its own name it would meet the one that bundles of ESM declare at their top.
import { createRequire as requireFrom } from 'node:module';
import { HoldfastError } from '../../errors.js';

const LINE = '5.33';
const PATCH_MIN = 3;

/** The peer range, as npm writes it. */
export const XSTATE_RANGE = `~${LINE}.${PATCH_MIN}`;

/** Throws XSTATE_VERSION for an xstate outside the range; one that was bundled in says nothing of itself. */
export function checkXstate(version: string | undefined = installedVersion()): void {
  if (version === undefined) return;
  const [major, minor, patch] = version.split('.');
  if (`${major}.${minor}` === LINE && Number.parseInt(patch ?? '', 10) >= PATCH_MIN) return;
  throw new HoldfastError('XSTATE_VERSION', `xstate ${version} is installed, ${XSTATE_RANGE} is needed`);
}

function installedVersion(): string | undefined {
  try {
    const { version } = requireFrom(import.meta.url)('xstate/package.json') as {
      readonly version?: string;
    };
    return version;
  } catch {
    return undefined;
  }
}
