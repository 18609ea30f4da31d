/** Mutants of what is built on the store: capsules, the doctor, backups, and the guards (S7, T1 to T4). */
import type { Mutant } from './mutant.js';

const capsule = 'src/actors/capsule/capsule.ts';
const redactions = 'test/capsule/redaction.test.ts';
const findings = 'test/examination/findings.test.ts';
const everyFinding = 'finds … where …, and mends what can be';
const contract = 'test/store/contract.test.ts';
const downloads = 'test/providers/download.test.ts';
const roads = 'test/providers/transport-roads.test.ts';

export const trustMutants: readonly Mutant[] = [
  {
    name: 'reads a view from the store as it is now',
    breaks: ['S7', 'T3'],
    file: 'src/store/database.ts',
    find: 'read: (scan) => readPage(db, scan, { snapshot }),',
    replace: 'read: (scan) => readPage(db, scan),',
    caughtBy: contract,
    by: 'a view shows the moment it was opened in, and no commit after it (S7)',
  },
  {
    name: 'copies pages of a store that goes on',
    breaks: ['T3'],
    file: 'src/store/database.ts',
    find: 'readPage(db, scan, { snapshot, reads: 1 })',
    replace: 'readPage(db, scan, { reads: 1 })',
    caughtBy: 'test/backup/backup.test.ts',
    by: 'a backup of a running directory has nothing that is committed while it is taken',
  },
  {
    name: 'restores from a damaged row',
    breaks: ['S4', 'T3'],
    file: 'src/store/copy.ts',
    find: `if (damaged !== undefined && purpose.type === 'restore') throw damaged;`,
    replace: `if (damaged !== undefined && purpose.type !== 'restore') tally.add([]);`,
    caughtBy: 'test/backup/backup.test.ts',
    by: 'a damaged row is copied as it is and named, and a missing artifact is named',
  },
  {
    name: 'takes a capsule whose journal was changed',
    breaks: ['T1'],
    file: capsule,
    find: 'if (chain === given) continue;',
    replace: `if (chain !== '') continue;`,
    caughtBy: redactions,
    by: 'a changed, removed or moved entry is found, and named',
  },
  {
    name: 'does not look at the seal of a capsule',
    breaks: ['T1'],
    file: capsule,
    find: 'return seal === sealOf({ ...rest, journal }) ?',
    replace: 'return seal === sealOf({ ...rest, journal }) || seal !== undefined ?',
    caughtBy: redactions,
    by: 'any other character, anywhere in its values, is noticed',
  },
  {
    name: 'exports secrets',
    breaks: ['T1', 'T4'],
    file: 'src/actors/capsule/redaction.ts',
    find: 'if (own !== false) redaction.learn(rows, throughRows);',
    replace: 'if (own === false) redaction.learn(rows, throughRows);',
    caughtBy: redactions,
    by: 'a secret has left everything, and one secret has one stand-in',
  },
  {
    name: 'does not miss the row of an armed timer',
    breaks: ['T2'],
    file: 'src/actors/examination/owed-rows.ts',
    find: '      ...timersOf(address, record),\n',
    replace: '',
    caughtBy: findings,
    by: everyFinding,
  },
  {
    name: 'does not miss the row of an effect',
    breaks: ['T2'],
    file: 'src/actors/examination/owed-rows.ts',
    find: '      ...effectsOf(address, record),\n',
    replace: '',
    caughtBy: findings,
    by: everyFinding,
  },
  {
    name: 'shows a key that lies deeper in a log line',
    breaks: ['T4'],
    file: 'src/log.ts',
    find: 'name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);',
    replace: 'name) => [`["${name}"]`]);',
    caughtBy: 'test/log.test.ts',
    by: 'hides secrets at the top level and two levels below',
  },
  {
    name: 'follows a redirect without looking where it leads',
    breaks: ['T4'],
    file: 'src/providers/download-hops.ts',
    find: 'const reason = refuseUrl(url, adapter.trustedOrigins);',
    replace: 'const reason = hop > 0 ? undefined : refuseUrl(url, adapter.trustedOrigins);',
    caughtBy: downloads,
    by: 'to an origin that is not trusted is refused without a connection',
  },
  {
    name: 'takes the key along to another origin',
    breaks: ['T4'],
    file: 'src/providers/download-hops.ts',
    find: '    mayAuthenticate &&= isHome(url, adapter);\n',
    replace: '',
    caughtBy: downloads,
    by: 'within the origin keeps the credential, across origins loses it for good',
  },
  {
    name: 'takes a call with its key wherever it is sent on to',
    breaks: ['T4'],
    file: 'src/providers/transport.ts',
    find: 'return adapter.fleet(next) && refuseUrl(next',
    replace: 'return adapter.fleet !== undefined && refuseUrl(next',
    caughtBy: roads,
    by: 'to a … stays where it is',
  },
  {
    name: 'shows a signed URL the key',
    breaks: ['T4'],
    file: 'src/providers/transport.ts',
    find: 'const credential = target.isSigned ? ANONYMOUS : await credentialOf(adapter, alias);',
    replace: 'const credential = await credentialOf(adapter, alias);',
    caughtBy: roads,
    by: 'is asked without a credential, and without there being one',
  },
  {
    name: 'does not look where a socket has led',
    breaks: ['T4'],
    file: 'src/providers/guard.ts',
    find: `const reason = refuseAddress(socket.remoteAddress ?? '');`,
    replace: `const reason = refuseAddress(socket.remoteAddress ?? '') === '' ? '' : undefined;`,
    caughtBy: 'test/providers/guard.test.ts',
    by: 'refuses a socket that ended up somewhere private after all',
  },
];
