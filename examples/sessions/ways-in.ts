/** The ways into a session's queue: docs/guide-sessions.md says what each is for. */
import type { Runtime, Session } from 'holdfast';

export async function fill(runtime: Runtime): Promise<Session> {
  const chat = runtime.sessions.get('telegram:42');
  // What somebody says: a turn of its own, after the one that runs.
  await chat.enqueue({ id: 'update-8812', text: 'What does the house cost?' });
  // Said to the turn that runs: it takes it at its next safe boundary.
  await chat.inject({ id: 'update-8813', text: 'And does it have a garden?' });
  // What became of something that the agent had started.
  const wake = { processId: 'import-7', sequence: 1, eventType: 'import.done' };
  await chat.wake({ ...wake, input: { rows: 1_200 } });
  // For the session itself, before any turn that comes after it.
  await chat.command({ kind: 'refreshToolSurface', reason: 'a tool was installed' }, 'tools-3');
  return chat;
}

/** Anything, with policies of its own: here, remarks that are taken together, and not before a time. */
export async function remark(chat: Session, text: string, availableAt: number): Promise<boolean> {
  const { deduplicated } = await chat.enqueueDraft({
    payloads: [{ type: 'turnInput', items: [{ text }] }],
    deliver: 'afterCurrentTurnCommit',
    slot: 'join',
    merge: { group: 'remarks' },
    sourceKey: `remark:${text}`,
    availableAt,
  });
  return !deduplicated;
}

/** Messages under the names that OpenClaw's users know; what the mode is may change while they come. */
export async function talk(chat: Session): Promise<void> {
  await chat.mode({ mode: 'steer', cap: 20, drop: 'summarize' });
  await chat.mode({ channel: 'group', mode: 'collect', debounceMs: 2_000 });
  await chat.message({ id: 'update-8814', text: 'Shorter, please.' });
  await chat.message({ id: 'update-9001', text: 'Lunch?' }, { channel: 'group' });
}
