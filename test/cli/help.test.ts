/** docs/cli.md against the real help: each command of a group with each of its options. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { told } from './run-cli.js';

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

test.each([
  ['tasks', 'submit list show watch cancel retry resume'],
  ['work', 'list show counts add retry cancel schedules'],
  ['work schedules', 'list show pause resume trigger remove'],
])('the page has each command of %s with all its options, and no other', async (group, names) => {
  const groupWords = group.split(' ');
  const help = (await told([...groupWords, '--help'])).out;
  const listed = help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z]+)(?: |$)/gm);
  const commands = Array.from(listed, ([, name = '']) => name).filter((name) => name !== 'help');
  expect(commands.toSorted()).toEqual(names.split(' ').toSorted());
  for (const command of commands) {
    if (`${group} ${command}` === 'work schedules') continue;
    const leaf = await told([...groupWords, command, '--help']);
    expect(optionsOf(usageOf(group, command)), `${group} ${command}`).toEqual(optionsOf(leaf.out));
  }
});

test.each(
  'ps list show why log steps story watch acts act send cancel retry export import chart inspect'.split(' '),
)('the page has all options of %s, and no other', async (command) => {
  const leaf = await told([command, '--help']);
  expect(leaf.out).toContain(`holdfast ${command}`);
  expect(optionsOf(usageOf('', command))).toEqual(optionsOf(leaf.out));
});

/** The lines of the page that say how it is called. The default command of a group is called by the group. */
function usageOf(group: string, command: string): string {
  const called = group === 'work schedules' && command === 'list' ? group : `${group} ${command}`.trim();
  const lines = page.split('\n');
  const at = lines.findIndex((line) => new RegExp(`^holdfast ${called} +[^a-z]`).test(line));
  const more = lines.slice(at + 1).findIndex((line) => !line.startsWith(' '));
  return lines.slice(at, at + 1 + more).join(' ');
}

function optionsOf(text: string): readonly string[] {
  const found = Array.from(text.matchAll(/(?<=^|[\s[(|])--[a-z-]+/gm), ([option]) => option);
  return [...new Set(found)].filter((option) => option !== '--help').toSorted();
}
