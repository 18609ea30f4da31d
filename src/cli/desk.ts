/**
 * Where the job commands do their work: in the process that holds the directory, or in the directory itself
 * when nobody does.
 *
 * Owns: the connection or the lock, until `close`. Callers: jobs.ts. Invariant: both sides mean the same by
 * every method, errors included.
 */
import { connectControl } from '../control/index.js';
import { openOffline, silentLogger, type JobView, type ListJobs, type Page } from '../index.js';

export interface JobDesk {
  list(filter: ListJobs): Promise<Page<JobView>>;
  view(id: string): Promise<JobView>;
  /** The job as it is afterwards. */
  cancel(id: string, reason?: string): Promise<JobView>;
  retry(id: string): Promise<JobView>;
  close(): Promise<void>;
}

/** Runs `work` at the desk of a directory and gives the directory back. Throws what `openOffline` throws. */
export async function atDesk<T>(directory: string, work: (desk: JobDesk) => Promise<T>): Promise<T> {
  const desk = (await runningDesk(directory)) ?? (await closedDesk(directory));
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}

async function runningDesk(directory: string): Promise<JobDesk | undefined> {
  const client = await connectControl(directory);
  return (
    client && {
      list: (filter) => client.listJobs(filter),
      view: (id) => client.getJob(id),
      cancel: (id, reason) => client.cancelJob(id, reason),
      retry: (id) => client.retryJob(id),
      close: () => client.close(),
    }
  );
}

async function closedDesk(directory: string): Promise<JobDesk> {
  const offline = await openOffline({ directory, log: silentLogger });
  const { jobs } = offline;
  const after = async (id: string, act: Promise<void>): Promise<JobView> => {
    await act;
    return jobs.view(id);
  };
  return {
    list: (filter) => jobs.list(filter),
    view: (id) => jobs.view(id),
    cancel: (id, reason) => after(id, jobs.get(id).cancel(reason)),
    retry: (id) => after(id, jobs.get(id).retry()),
    close: () => offline.close(),
  };
}
