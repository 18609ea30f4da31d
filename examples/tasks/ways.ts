/** What is done with tasks: submitted, looked at, waited for, stopped, tried again, decided about. */
import type { Runtime, TaskView } from 'holdfast';

export async function assign(runtime: Runtime): Promise<string> {
  const task = await runtime.tasks.submit({
    prompt: 'Ada, Grace, Mary',
    runner: 'letters',
    sessionKey: 'telegram:42',
    delivery: { channel: 'chat', target: '42' },
    idempotencyKey: 'update-8812',
    maxIterations: 20,
    timeoutMs: 3_600_000,
  });
  return task.id;
}

export async function follow(runtime: Runtime, id: string, signal: AbortSignal): Promise<TaskView> {
  const view = await runtime.tasks.get(id).settled({ signal });
  if (view.status === 'completed') return view;
  // Failed, exhausted or cancelled: from where it was, with new budgets.
  await runtime.tasks.retry(id);
  return runtime.tasks.get(id).settled({ signal });
}

/** What became of the letters that were cut off, as whoever has asked the post office says. */
export async function decide(
  runtime: Runtime,
  wasSent: (callId: string) => string | undefined,
): Promise<number> {
  const { items } = await runtime.tasks.list({ status: 'interruptedTool' });
  for (const { id } of items) {
    const { openCalls } = await runtime.tasks.view(id);
    for (const { callId } of openCalls.filter(({ idempotent }) => !idempotent)) {
      const number = wasSent(callId);
      const decision = number === undefined ? { callId, rerun: true as const } : { callId, result: number };
      await runtime.tasks.resume(id, decision);
    }
  }
  return items.length;
}

export async function stop(runtime: Runtime, id: string): Promise<void> {
  await runtime.tasks.cancel(id, 'not wanted any more');
}
