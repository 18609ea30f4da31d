/** What an outcome of a job writes: into its session's history, to its session's next turn, to its chat. */
import { describe, expect, it } from 'vitest';
import { jobMachine } from '../../src/machines/index.js';
import { answer, drive, fault } from './drive.js';
import {
  ARTIFACT,
  done,
  evidence,
  fetchingJob,
  history,
  jobInput,
  newJob,
  sent,
  statusOf,
  timedOutJob,
  wakes,
} from './job-fixture.js';

describe('what an outcome writes', () => {
  it('answers a cron job with a fresh message, and pushes nothing to a direct user', () => {
    const cron = fetchingJob({ origin: 'cron' });
    cron.send(done);
    expect(sent(cron)[0]).not.toHaveProperty('replyTo');
    const direct = fetchingJob({ origin: 'userDirect' });
    direct.send(done);
    expect([sent(direct), history(direct).length]).toEqual([[], 1]);
    direct.fire('keep');
    expect(direct.now().snapshot.status).toBe('done');
  });

  it('writes no history without a session, in the role that was asked for', () => {
    const { sessionKey, ...input } = jobInput();
    const silent = drive(jobMachine, input);
    silent.send(answer('submit', { type: 'billed', error: fault() }));
    expect([sessionKey, statusOf(silent), history(silent)]).toEqual(['telegram:42', 'failed', []]);
    const job = fetchingJob({ historyRole: 'system', kind: 'image' });
    job.send(done);
    expect(history(job)).toMatchObject([{ role: 'system', content: '[image generation complete] abc.mp4' }]);
  });

  it('wakes its session with each outcome, numbered, in the words of its history', () => {
    const job = timedOutJob();
    job.send(evidence('done'));
    job.send(done);
    const work = (sequence: number, status: string, input: object) => ({
      to: 'session/telegram:42',
      event: {
        type: 'session.enqueue',
        draft: {
          nonce: `wake-job_1-${sequence}`,
          ...{ deliver: 'E', slot: 'X', merge: 'N', kind: 'wake', items: 1, availableAt: 0 },
          ...{ key: `process:job_1:event:${sequence}:wake`, digest: status },
          wakes: [{ process: 'job_1', sequence }],
        },
        row: {
          payloads: [
            {
              ...{ type: 'processWake', processId: 'job_1', sequence, targetSessionId: 'telegram:42' },
              eventType: `job.${status}`,
              input: { status, kind: 'video', label: 'a cat in the rain', ...input },
              causedBy: 'job/job_1',
            },
          ],
          sourceKey: `process:job_1:event:${sequence}:wake`,
        },
      },
    });
    const session = { kind: 'session', id: 'telegram:42', input: { key: 'telegram:42' } };
    const reason = 'timed out after 1800 s';
    expect(wakes(job)).toEqual([
      ...[session, session],
      work(1, 'timedOut', { reason, text: `[video generation timed out] ${reason}` }),
      work(2, 'done', { paths: ['abc.mp4'], text: '[video generation complete] abc.mp4' }),
    ]);
  });

  it('wakes no session that there is not, or that wants to read of it in its history alone', () => {
    const { sessionKey, ...input } = jobInput();
    for (const job of [drive(jobMachine, input), newJob({ wakeSession: false })]) {
      job.send(answer('submit', { type: 'billed', error: fault() }));
      expect([sessionKey, statusOf(job), wakes(job)]).toEqual(['telegram:42', 'failed', []]);
    }
    const spared = newJob({ wakeSession: false });
    spared.send(answer('submit', { type: 'billed', error: fault() }));
    expect(history(spared)).toHaveLength(1);
    const patient = newJob({ sessionAttemptsMax: 9 });
    patient.send(answer('submit', { type: 'billed', error: fault() }));
    expect(wakes(patient)[0]).toMatchObject({ input: { key: 'telegram:42', attemptsMax: 9 } });
  });

  it('names several files apart', () => {
    const job = fetchingJob();
    job.send(answer('fetch', { type: 'done', artifacts: [ARTIFACT, { ...ARTIFACT, path: 'x/def' }] }));
    expect(sent(job)).toMatchObject([{ files: [{ name: 'video.mp4' }, { name: 'video-2', path: 'x/def' }] }]);
  });
});
