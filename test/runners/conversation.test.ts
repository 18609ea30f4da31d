/** The conversation of the AI SDK's runner, as it is kept. */
import { expect, test } from 'vitest';
import { conversationOf, openCalls, withAnswer } from '../../src/runners/ai-sdk/conversation.js';

test('a call is named by what a record can hold, whatever its model calls it', () => {
  for (const id of ['', '\ud800', 'a\0b', 'x'.repeat(500)]) {
    const call = { type: 'tool-call', toolCallId: id, toolName: 'look', input: {} } as const;
    const said = { messages: [{ role: 'assistant', content: [call] }], refusals: [undefined] } as const;
    const named = openCalls(withAnswer(conversationOf('a cat', undefined), asSaid(said), 1));
    expect(named.map(({ toolCallId }) => toolCallId)).toEqual([expect.stringMatching(/^call_\w+$/)]);
  }
});

type Said = Parameters<typeof withAnswer>[1];

/** The SDK's own types want lists that can be written to. */
function asSaid(said: unknown): Said {
  return structuredClone(said) as Said;
}
