/**
 * Reading Kling's replies and callbacks, in the words of both generations.
 *
 * Callers: `kling.ts`. Invariants: P2 to P4 of the port; and
 *  W1  A task is read only from an entry that has its id or, in a lookup, our key.
 *  W2  The refusal of a key that is taken is `ambiguous`: an earlier POST of ours came through.
 */
import {
  acceptedSubmit,
  failedPoll,
  providerError,
  refusedSubmit,
  taskFailure,
  unusable,
  unusablePoll,
} from '../classify.js';
import type {
  ArtifactSource,
  HttpResponse,
  KeyLookup,
  PollOutcome,
  ProviderError,
  SubmitOutcome,
  TaskRef,
  WebhookBody,
  WebhookNews,
} from '../port.js';
import { asList, asObject, asText, asUrl, at, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import { klingWords, saysKeyUsed, saysUnknownTask } from './kling-errors.js';

export type RefOf = (taskId: string) => TaskRef;

export function parseSubmit(response: HttpResponse, refOf: RefOf, now: number): SubmitOutcome {
  const words = klingWords(response, now);
  if (!isSuccess(response) || words.code !== undefined) {
    const refused = refusedSubmit(response, words, now);
    const isUnclear = isSuccess(response) && words.class === undefined;
    if (refused.type === 'rejected' && (saysKeyUsed(words) || isUnclear)) {
      return { type: 'ambiguous', error: refused.error };
    }
    return refused;
  }
  const task = asObject(readObject(response.text)?.data);
  const taskId = task === undefined ? undefined : taskIdOf(task);
  if (task === undefined || taskId === undefined) {
    return { type: 'billed', error: unusable(response, 'a submit without a task id') };
  }
  return acceptedSubmit(refOf(taskId), outcomeOf(response, task));
}

export function parsePoll(response: HttpResponse, ref: TaskRef, now: number): PollOutcome {
  const words = klingWords(response, now);
  if (!isSuccess(response) || words.code !== undefined) {
    const lost = readObject(response.text) !== undefined && saysUnknownTask(response.status, words);
    return failedPoll(response, lost ? { ...words, class: 'notFound' } : words, now);
  }
  const tasks = tasksOf(response.text);
  if (tasks === undefined) return unusablePoll(response, 'a poll without data');
  const task = tasks.find((entry) => taskIdOf(entry) === ref.taskId);
  if (task !== undefined) return outcomeOf(response, task);
  const message = `the provider does not list task ${ref.taskId}`;
  return { type: 'transient', error: providerError('notFound', { message }) };
}

export function parseLookup(response: HttpResponse, refOf: RefOf, key: string, now: number): KeyLookup {
  const words = klingWords(response, now);
  if (saysUnknownTask(response.status, words) && (!isSuccess(response) || words.code !== undefined)) {
    // An answer from something that is not Kling (a gateway's HTML 404) says nothing about Kling's tasks.
    return readObject(response.text) === undefined
      ? unusablePoll(response, 'a lookup that is no JSON object')
      : { type: 'absent' };
  }
  if (!isSuccess(response) || words.code !== undefined) return failedPoll(response, words, now);
  const tasks = tasksOf(response.text);
  if (tasks === undefined) return unusablePoll(response, 'a lookup without data');
  const taskId = ownTaskId(tasks, key);
  if (taskId !== undefined) return { type: 'found', ref: refOf(taskId) };
  // Entries that carry neither our key nor another one: there is a task, and nothing says whose.
  const unclear = tasks.some((task) => externalIdOf(task) === undefined);
  if (unclear) return unusablePoll(response, 'a lookup that does not name its keys');
  return { type: 'absent' };
}

/** What is wrong with the account; undefined when the call was let in, whatever it then found. */
export function parseCheck(response: HttpResponse, now: number): ProviderError | undefined {
  const words = klingWords(response, now);
  if (isSuccess(response) && words.code === undefined && readObject(response.text) !== undefined) {
    return undefined;
  }
  const isFromKling = words.code !== undefined;
  if (isFromKling && saysUnknownTask(response.status, words)) return undefined;
  return failedPoll(response, words, now).error;
}

/**
 * A callback is the task itself, as a poll of its generation shows it. `refOf` is absent where nobody knows
 * which family of paths the task lives under.
 */
export function parseNews(body: WebhookBody, refOf: RefOf | undefined): WebhookNews | undefined {
  const task = asObject(body.data) ?? body;
  const taskId = taskIdOf(task);
  if (taskId === undefined) return undefined;
  const outcome = outcomeOf({ status: 200, headers: {}, text: '' }, task);
  return {
    ...(refOf === undefined ? {} : { ref: refOf(taskId) }),
    // What it does not say, a poll finds out.
    ...(outcome.type === 'transient' ? {} : { outcome }),
  };
}

/**
 * The task that carries our key; a single entry without any key is taken, since the provider did the
 * filtering.
 */
function ownTaskId(tasks: readonly WireObject[], key: string): string | undefined {
  const named = tasks.find((task) => externalIdOf(task) === key);
  const [only] = tasks;
  const unnamed =
    tasks.length === 1 && only !== undefined && externalIdOf(only) === undefined ? only : undefined;
  const own = named ?? unnamed;
  return own === undefined ? undefined : taskIdOf(own);
}

function outcomeOf(response: HttpResponse, task: WireObject): PollOutcome {
  const status = (asText(task.status) ?? asText(task.task_status))?.toLowerCase();
  switch (status) {
    case undefined:
      return unusablePoll(response, 'a task without a status');
    case 'submitted':
    case 'processing':
      return { type: 'pending' };
    case 'succeed':
    case 'succeeded': {
      const artifacts = artifactsOf(task);
      if (artifacts.length > 0) return { type: 'done', artifacts };
      return unusablePoll(response, 'a finished task without outputs');
    }
    case 'failed': {
      const message = asText(task.message) ?? asText(task.task_status_msg) ?? 'the provider says failed';
      return { type: 'failed', error: taskFailure({ message }) };
    }
    default:
      return { type: 'pending', unknownStatus: status };
  }
}

/** Signed URLs that need no key: `outputs[]` of 2026, `task_result` of the older family. */
function artifactsOf(task: WireObject): readonly ArtifactSource[] {
  const lists = [
    task.outputs,
    at(task, 'task_result', 'outputs'),
    at(task, 'task_result', 'images'),
    at(task, 'task_result', 'videos'),
  ];
  const urls = lists.flatMap(asList).map((output) => asUrl(at(output, 'url')));
  return [...new Set(urls.filter((url) => url !== undefined))].map((url) => ({ url, authenticated: false }));
}

/** `data` is one task (the older family) or a list of them; undefined when it is neither. */
function tasksOf(text: string): readonly WireObject[] | undefined {
  const data = readObject(text)?.data;
  if (Array.isArray(data)) return data.map(asObject).filter((task) => task !== undefined);
  const task = asObject(data);
  return task === undefined ? undefined : [task];
}

function taskIdOf(task: WireObject): string | undefined {
  return asText(task.id) ?? asText(task.task_id);
}

function externalIdOf(task: WireObject): string | undefined {
  return (
    asText(task.external_id) ??
    asText(task.external_task_id) ??
    asText(at(task, 'task_info', 'external_task_id'))
  );
}
