/** The console channel writes one line a message. */
import { expect, test } from 'vitest';
import { consoleChannel } from '../../src/channels/index.js';
import { exampleMessage, exampleContext } from './example.js';

test('writes target, text, files and delivery id in one line', async () => {
  const lines: string[] = [];
  await consoleChannel({ write: (line) => void lines.push(line) })(exampleMessage, exampleContext());
  expect(lines).toEqual(['chat:42 ← [video] a cat (cat.mp4 video/mp4) #dlv_1\n']);
});

test('names the attempt from the second on', async () => {
  const lines: string[] = [];
  const channel = consoleChannel({ write: (line) => void lines.push(line) });
  await channel({ ...exampleMessage, files: [] }, exampleContext({ attempt: 2 }));
  expect(lines).toEqual(['chat:42 ← [video] a cat #dlv_1 attempt 2\n']);
});

test('keeps control characters and line breaks away from the terminal', async () => {
  const lines: string[] = [];
  const text = 'two\r\nlines \u001b[31mred\u0007\u2028end';
  await consoleChannel({ write: (line) => void lines.push(line) })(
    { ...exampleMessage, text },
    exampleContext(),
  );
  expect(lines.join('')).toMatch(/^[^\p{Cc}\p{Zl}]*\n$/u);
});

test('a failing write fails the delivery', async () => {
  const channel = consoleChannel({
    write: () => {
      throw new Error('broken pipe');
    },
  });
  await expect(async () => channel(exampleMessage, exampleContext())).rejects.toThrow('broken pipe');
});
