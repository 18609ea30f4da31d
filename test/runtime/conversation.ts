/**
 * Conversations for the tests of serving: a runtime to hold them in, and handlers to serve them with.
 *
 * Callers: session-serve.test.ts, session-stop.test.ts.
 */
import { onTestFinished } from 'vitest';
import type { Runtime, Session, Turn } from '../../src/index.js';
import { createTestRuntime, type TestRuntime, type TestRuntimeOptions } from '../../src/testing/index.js';

/** A test runtime that is closed when its test ends. */
export async function open(options: TestRuntimeOptions<undefined> = {}): Promise<TestRuntime<undefined>> {
  const test = await createTestRuntime(options);
  onTestFinished(() => test.close());
  return test;
}

export function sessionOf({ runtime }: { readonly runtime: Runtime }, key = 'chat:1'): Session {
  return runtime.sessions.get(key);
}

/** What a turn was told. */
export function textOf({ messages }: Pick<Turn, 'messages'>): string {
  return messages.map(({ content }) => (typeof content === 'string' ? content : 'parts')).join('|');
}

/** What was answered, oldest first. */
export async function repliesOf(session: Session): Promise<readonly string[]> {
  const { items } = await session.history({ limit: 1_000 });
  return items.flatMap(({ entry }) => {
    const { role, content } = entry as { role: string; content: string };
    return role === 'assistant' ? [content] : [];
  });
}

/** A handler that answers each turn with what it was told, and what it was told. */
export function echo(): { readonly told: string[]; readonly handler: (turn: Turn) => Promise<void> } {
  const told: string[] = [];
  return {
    told,
    handler: async (turn) => {
      told.push(textOf(turn));
      await turn.commit(`re ${textOf(turn)}`);
    },
  };
}

/** Turns that wait, each until the test lets it go on. */
export function gate(): {
  readonly turns: Turn[];
  readonly open: () => void;
  readonly handler: (turn: Turn) => Promise<void>;
} {
  const turns: Turn[] = [];
  let release: (() => void)[] = [];
  let isOpen = false;
  return {
    turns,
    open: () => {
      isOpen = true;
      for (const go of release) go();
      release = [];
    },
    handler: async (turn) => {
      turns.push(turn);
      if (isOpen) return;
      await new Promise<void>((resolve) => {
        release.push(resolve);
      });
    },
  };
}
