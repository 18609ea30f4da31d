/** The tools of the researcher: a library to search in, and a notebook to write into. */
import { appendFile, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { tool } from 'ai';
import { idempotent } from 'holdfast/runners/ai-sdk';
import { z } from 'zod';

interface Text {
  readonly title: string;
  readonly text: string;
}

export interface Desk {
  readonly corpus: URL;
  readonly notebook: string;
  /** The tool that takes a minute, so that somebody has the time to kill it. */
  readonly slow: string | undefined;
  readonly say: (line: string) => void;
}

export function toolsOf({ corpus, notebook, slow, say }: Desk) {
  const dawdle = (name: string): Promise<unknown> => pause(name === slow ? 60_000 : 0);
  return {
    // To look twice does no harm: cut off, it runs again.
    search: idempotent(
      tool({
        description: 'Finds texts that have all of the words.',
        inputSchema: z.object({ words: z.string() }),
        execute: async ({ words }, { abortSignal }) => {
          say(`search: ${words}`);
          await dawdle('search');
          const texts = JSON.parse(
            await readFile(corpus, { encoding: 'utf8', signal: abortSignal }),
          ) as readonly Text[];
          const wanted = words.toLowerCase().split(' ');
          return texts.filter(({ text }) => wanted.every((word) => text.toLowerCase().includes(word)));
        },
      }),
    ),
    // To write twice would: cut off, it waits for somebody who looks.
    writeNote: tool({
      description: 'Writes a note into the notebook.',
      inputSchema: z.object({ text: z.string() }),
      execute: async ({ text }, { toolCallId }) => {
        await appendFile(notebook, `${toolCallId} ${text}\n`);
        say(`noted: ${text}`);
        await dawdle('writeNote');
        return 'noted';
      },
    }),
  };
}

/** Whether a note was written before the process that wrote it died. */
export async function isNoted(notebook: string, callId: string): Promise<boolean> {
  const notes = await readFile(notebook, 'utf8').catch(() => '');
  return notes.split('\n').some((line) => line.startsWith(`${callId} `));
}
