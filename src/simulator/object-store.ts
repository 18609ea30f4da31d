/**
 * Where most providers leave what they rendered: signed links, good for a while, that need no key.
 *
 * Callers: the dialects, mishap.ts. Invariant: a link names one artifact of one task, and who has it may have
 * the artifact until it expires.
 */
import { renderArtifact } from './artifacts.js';
import { bytesReply, subjectOf } from './dialect.js';
import type { Call, Outcome, Reply, Route, World } from './dialect.js';
import type { ProviderName } from './script.js';
import type { Sight, Task } from './tasks.js';

/** The links of a task that succeeded, fresh at every call; none of another. `mount` is the dialect's. */
export function artifactLinks(
  mount: string,
  task: Task,
  status: Sight['status'],
  world: World,
): readonly string[] {
  if (status !== 'succeeded') return [];
  const suffix = task.kind === 'video' ? 'mp4' : 'png';
  return Array.from({ length: task.count }, (_, index) =>
    world.links.sign(`${mount}/artifacts/${task.id}/${index}.${suffix}`, world.nowMs() + task.urlTtlMs),
  );
}

/** The route that serves them. */
export function artifactRoute(provider: ProviderName): Route {
  return {
    action: 'download',
    method: 'GET',
    path: /^\/artifacts\/([^/]+)\/(\d+)\.(?:mp4|png)$/,
    guard: 'signature',
    subjects: (call, world) => {
      const taskId = call.params[0] ?? '';
      const task = world.tasks.byId(provider, taskId);
      return [task === undefined ? { taskId } : subjectOf(task)];
    },
    run: (call, world) => download(provider, call, world),
  };
}

/** One artifact of a task, as bytes of its kind. */
export function artifactOf(task: Task, index: number, world: World, kind = task.kind): Reply {
  const bytesMin = kind === 'video' ? world.artifacts.videoBytes : world.artifacts.imageBytes;
  const { bytes, mime } = renderArtifact({ kind, prompt: task.prompt, seed: world.seed, index, bytesMin });
  return { ...bytesReply(200, mime, bytes), isArtifact: true };
}

function download(provider: ProviderName, call: Call, world: World): Outcome {
  const state = world.links.check(call.path, call.query);
  if (state !== 'good') {
    const reason = state === 'expired' ? 'Request has expired' : 'The signature does not match';
    return { reply: accessDenied(reason) };
  }
  const task = world.tasks.byId(provider, call.params[0] ?? '');
  const index = Number(call.params[1]);
  if (task !== undefined && index < task.count) return { reply: artifactOf(task, index, world) };
  return { reply: bytesReply(404, 'application/xml', Buffer.from('<Error><Code>NoSuchKey</Code></Error>')) };
}

/** What an object store says to a link that is not, or no longer, good. */
export function accessDenied(reason: string): Reply {
  const xml = `<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>${reason}</Message></Error>`;
  return bytesReply(403, 'application/xml', Buffer.from(xml));
}
