/**
 * Where the job commands do their work: in the process that holds the directory, or in the directory itself
 * when nobody does.
 *
 * Callers: jobs.ts. Invariant: both sides mean the same by every method, errors included.
 */
import type { JobView, ListJobs, Page } from '../index.js';
import { inDirectory } from './in-directory.js';

export interface JobDesk {
  list(filter: ListJobs): Promise<Page<JobView>>;
  view(id: string): Promise<JobView>;
  /** The job as it is afterwards. */
  cancel(id: string, reason?: string): Promise<JobView>;
  retry(id: string): Promise<JobView>;
}

/** Runs `work` at the desk of a directory and gives the directory back. Throws what `openOffline` throws. */
export function atDesk<T>(directory: string, work: (desk: JobDesk) => Promise<T>): Promise<T> {
  return inDirectory(directory, {
    running: (client) =>
      work({
        list: (filter) => client.listJobs(filter),
        view: (id) => client.getJob(id),
        cancel: (id, reason) => client.cancelJob(id, reason),
        retry: (id) => client.retryJob(id),
      }),
    closed: ({ jobs }) => {
      const after = async (id: string, act: Promise<void>): Promise<JobView> => {
        await act;
        return jobs.view(id);
      };
      return work({
        list: (filter) => jobs.list(filter),
        view: (id) => jobs.view(id),
        cancel: (id, reason) => after(id, jobs.get(id).cancel(reason)),
        retry: (id) => after(id, jobs.get(id).retry()),
      });
    },
  });
}
