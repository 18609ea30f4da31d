/** Mutants of attachments: holds, leases, removals, what a crash leaves (K1, K8, K9). */
import type { Mutant } from './mutant.js';

const attachments = 'src/actors/attachments.ts';
const holding = 'src/actors/kernel/holding.ts';
const shown = 'test/runtime/attachments.test.ts';

export const attachmentMutants: readonly Mutant[] = [
  {
    name: 'removes a file whose release is not on disk',
    breaks: ['K1'],
    file: attachments,
    find: "return (await store.scan({ ...rangeOf('a', name), limit: 1 })).length > 0;",
    replace: "return (await store.scan({ ...rangeOf('a', name), limit: 1 })).length > 1;",
    caughtBy: shown,
    by: 'K1: stays while its release is not on disk, whoever looks',
  },
  {
    name: 'removes a file that is about to be held',
    breaks: ['K8'],
    file: attachments,
    find: '    if (this.#leases.has(name)) return;\n',
    replace: '',
    caughtBy: shown,
    by: 'keeps a file that another lease gives up, and one whose last holder releases it',
  },
  {
    name: 'goes by an answer that a lease has made old',
    breaks: ['K8'],
    file: attachments,
    find: '      if (this.#looks.get(name) !== look) return;\n',
    replace: '',
    caughtBy: shown,
    by: 'stays when it was taken and held again while somebody looked for its holders',
  },
  {
    name: 'does not mark what nobody holds yet',
    breaks: ['K8'],
    file: attachments,
    find: "      await writeFile(join(parts, name), '');\n",
    replace: '',
    caughtBy: shown,
    by: 'between a put and its hold leaves a file that the next open removes; held ones stay',
  },
  {
    name: 'tells nobody of files that were released',
    breaks: ['K8'],
    file: holding,
    find: "return type === 'file.release' ? files : NONE;",
    replace: "return type === 'file.release' ? NONE : files;",
    caughtBy: 'test/kernel/holding.test.ts',
    by: 'K8: a file is free when its last hold goes, of whichever name and actor, and not before',
  },
  {
    name: 'keeps the holds of an actor that was removed',
    breaks: ['K9'],
    file: holding,
    find: '    stage.delete(keys.hold(file, address, name));\n',
    replace: '',
    caughtBy: 'test/kernel/holding.test.ts',
    by: 'K8: an actor that ended holds its files until its rows go, and then none',
  },
];
