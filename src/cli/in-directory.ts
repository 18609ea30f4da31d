/**
 * Where commands do their work: in the process that holds a directory, or in the directory itself when nobody
 * does.
 *
 * Owns: the connection or the lock, while the work lasts. Callers: the commands. Invariants:
 *  1  In a directory that nobody holds no generation begins, so that claims stay as they were.
 *  2  The parts of both are alike; what a running process has beyond that is there where one runs.
 */
import {
  connectControl,
  sessionsAt,
  tasksAt,
  workAt,
  type ControlClient,
  type ControlInspection,
  type ControlSessions,
  type ControlTasks,
  type TaskActs,
  type WorkActs,
} from '../control/index.js';
import { openOffline, silentLogger, type OfflineRuntime } from '../index.js';

export interface Places<T> {
  readonly running: (client: ControlClient) => Promise<T>;
  readonly closed: (offline: OfflineRuntime) => Promise<T>;
}

/** Does the one or the other and gives the directory back. Throws what `openOffline` throws. */
export async function inDirectory<T>(directory: string, { running, closed }: Places<T>): Promise<T> {
  const client = await connectControl(directory);
  if (client !== undefined) {
    try {
      return await running(client);
    } finally {
      await client.close();
    }
  }
  const offline = await openOffline({ directory, log: silentLogger });
  try {
    return await closed(offline);
  } finally {
    await offline.close();
  }
}

/** `work` on the actors of a directory; `client` is the process that runs it. */
export async function atActors<T>(
  directory: string,
  work: (actors: ControlInspection, client: ControlClient | undefined) => Promise<T>,
): Promise<T> {
  return inDirectory(directory, {
    running: (client) => work(client.inspection, client),
    closed: ({ inspection }) => work(inspection, undefined),
  });
}

export async function atSessions<T>(
  directory: string,
  work: (sessions: ControlSessions, isRunning: boolean) => Promise<T>,
): Promise<T> {
  return inDirectory(directory, {
    running: ({ sessions }) => work(sessions, true),
    closed: ({ sessions }) => work(sessionsAt(sessions), false),
  });
}

/** `running` are the tasks of the process that runs the directory. */
export async function atTasks<T>(
  directory: string,
  work: (tasks: TaskActs, running: ControlTasks | undefined) => Promise<T>,
): Promise<T> {
  return inDirectory(directory, {
    running: ({ tasks }) => work(tasks, tasks),
    closed: ({ tasks }) => work(tasksAt(tasks), undefined),
  });
}

export async function atWork<T>(
  directory: string,
  work: (work: WorkActs, isRunning: boolean) => Promise<T>,
): Promise<T> {
  return inDirectory(directory, {
    running: ({ work: items }) => work(items, true),
    closed: ({ work: items }) => work(workAt(items), false),
  });
}
