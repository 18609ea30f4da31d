/**
 * Damages around actors: what is sent to them, what they are found by, sums, what expires.
 *
 * Callers: findings.test.ts.
 */
import { keys } from '../../src/store/index.js';
import { A, B, KID, type Damage } from './damages-of-actors.js';

/** Of what is sent, kept and found beside the actors. */
export const damagesAround: readonly Damage[] = [
  {
    code: 'INBOX_UNREADABLE',
    when: 'an event on its way fails its checksum',
    damage: async (house) => {
      const key = keys.inbox(A, 'f'.repeat(16));
      await house.write({ key, value: '{}' });
      await house.corrupt(key);
    },
    held: A,
  },
  {
    code: 'INBOX_UNREADABLE',
    when: 'an event on its way to nobody is none',
    damage: (house) => house.write({ key: keys.inbox('house/zz', 'f'.repeat(16)), value: '{}' }),
  },
  {
    code: 'PAYLOAD_UNREADABLE',
    when: 'a payload fails its checksum',
    damage: (house) => house.corrupt(keys.payload(A, 'plan')),
    held: A,
  },
  {
    code: 'PAYLOAD_ORPHAN',
    when: 'nobody has a payload',
    damage: (house) => house.write({ key: keys.payload('house/zz', 'plan'), value: '1' }),
  },
  {
    code: 'DEDUPE_UNREADABLE',
    when: 'a dedupe row fails its checksum',
    damage: (house) => house.corrupt(keys.dedupe(A, 'first')),
  },
  {
    code: 'DEDUPE_MISSING',
    when: 'a dedupe row is gone before its time',
    damage: (house) => house.delete(keys.dedupe(A, 'first')),
  },
  {
    code: 'DEDUPE_UNSWEPT',
    when: 'a dedupe row would never expire',
    damage: (house) => house.write({ key: keys.dedupe(A, 'third'), value: '4' }),
  },
  {
    code: 'EXPIRY_UNREADABLE',
    when: 'a list of what expires fails its checksum',
    damage: async (house) => house.corrupt(await house.key('e')),
    besides: ['DEDUPE_UNSWEPT'],
  },
  {
    code: 'DEAD_LETTER_UNREADABLE',
    when: 'a dead letter fails its checksum',
    damage: async (house) => house.corrupt(await house.key('q', 'dead-letter')),
  },
  {
    code: 'HISTORY_UNREADABLE',
    when: 'an entry of a history fails its checksum',
    damage: async (house) => house.corrupt(await house.key('h')),
  },
  {
    code: 'DWELL_UNREADABLE',
    when: 'a histogram of stays fails its checksum',
    damage: async (house) => house.corrupt(await house.key('b')),
  },
  {
    code: 'INDEX_MISSING',
    when: 'an actor is not found by what it is',
    damage: async (house) => house.delete(await house.key('q', 'house:state')),
  },
  {
    code: 'INDEX_MISSING',
    when: 'the row of an index fails its checksum',
    damage: (house) => house.corrupt(keys.index('house:name', [A], '')),
  },
  {
    code: 'INDEX_ORPHAN',
    when: 'an actor is found by what it is not',
    damage: (house) => house.write({ key: keys.index('house:state', ['"dim"'], A), value: `"${A}"` }),
  },
  {
    code: 'INDEX_ORPHAN',
    when: 'a key of one alone is nobody’s and cannot be read',
    damage: async (house) => {
      const key = keys.index('house:name', ['zz'], '');
      await house.write({ key, value: '"house/zz"' });
      await house.corrupt(key);
    },
  },
  {
    code: 'INDEX_TAKEN',
    when: 'another holds what one alone may',
    damage: (house) => house.write({ key: keys.index('house:name', [A], ''), value: `"${B}"` }),
    besides: ['INDEX_ORPHAN'],
  },
  {
    code: 'QUARANTINE_UNLISTED',
    when: 'who stands still is not listed',
    damage: async (house) => house.delete(await house.key('q', 'quarantine')),
  },
  {
    code: 'QUARANTINE_ORPHAN',
    when: 'who goes on is listed',
    damage: (house) => house.write({ key: keys.index('quarantine', ['house'], A), value: `"${A}"` }),
  },
  {
    code: 'REFERENCE_MISSING',
    when: 'an artifact does not know whose it is',
    damage: async (house) => house.delete(await house.key('a', A)),
  },
  {
    code: 'REFERENCE_ORPHAN',
    when: 'an artifact is kept for one who does not name it',
    damage: (house) => house.write({ key: keys.artifact('beef.png', A), value: 'true' }),
  },
  {
    code: 'REFERENCE_MISSING',
    when: 'an attachment does not know who holds it',
    damage: (house) => house.write({ key: keys.held(A, 'note', 'cafe.png'), value: 'true' }),
  },
  {
    code: 'REFERENCE_MISSING',
    when: 'an actor does not know what attachment it holds',
    damage: (house) => house.write({ key: keys.hold('cafe.png', A, 'note'), value: 'true' }),
  },
  {
    code: 'REFERENCE_MISSING',
    when: 'the rows of a hold fail their checksums',
    damage: async (house) => {
      const rows = [keys.hold('cafe.png', A, 'note'), keys.held(A, 'note', 'cafe.png')];
      await house.write(...rows.map((key) => ({ key, value: 'true' })));
      for (const key of rows) await house.corrupt(key);
    },
  },
  {
    code: 'REFERENCE_ORPHAN',
    when: 'an attachment is held by nobody',
    damage: (house) =>
      house.write(
        { key: keys.hold('cafe.png', 'house/zz', 'note'), value: 'true' },
        { key: keys.held('house/zz', 'note', 'cafe.png'), value: 'true' },
      ),
  },
  {
    code: 'REFERENCE_ORPHAN',
    when: 'half a hold of an attachment is nobody’s',
    damage: (house) => house.write({ key: keys.hold('cafe.png', 'house/zz', 'note'), value: 'true' }),
  },
  {
    code: 'SYSTEM_MISSING',
    when: 'a system id is gone',
    damage: (house) => house.delete(keys.system(A, 'heir')),
  },
  {
    code: 'SYSTEM_MISSING',
    when: 'a system id fails its checksum',
    damage: (house) => house.corrupt(keys.system(A, 'heir')),
  },
  {
    code: 'SYSTEM_ORPHAN',
    when: 'a system id leads to what its owner does not have',
    damage: (house) =>
      house.write({ key: keys.system(A, 'foot'), value: JSON.stringify({ address: A, owner: A }) }),
  },
  {
    code: 'SYSTEM_TAKEN',
    when: 'a system id is another’s',
    damage: (house) =>
      house.write({ key: keys.system(A, 'heir'), value: JSON.stringify({ address: KID, owner: B }) }),
    besides: ['SYSTEM_ORPHAN'],
  },
  {
    code: 'COUNT_WRONG',
    when: 'a count is not the number of actors',
    damage: async (house) => house.write({ key: await house.key('n', '"lit"'), value: '7' }),
  },
  {
    code: 'COUNT_WRONG',
    when: 'a count is gone',
    damage: async (house) => house.delete(await house.key('n', '"lit"')),
  },
  {
    code: 'SHAPE_MISSING',
    when: 'the states of a machine are gone',
    damage: async (house) => house.delete(await house.key('v', 'house\0')),
  },
  {
    code: 'ROW_KEY',
    when: 'a key has too few parts',
    damage: (house) => house.write({ key: `j\0${A}`, value: '{}' }),
  },
  {
    code: 'ROW_UNKNOWN',
    when: 'a row has a letter that nobody knows',
    damage: (house) => house.write({ key: 'z\0what', value: '{}' }),
    left: ['ROW_UNKNOWN'],
  },
];
