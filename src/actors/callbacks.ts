/**
 * What a submit carries of ours: its job's id, and where the provider may send news.
 *
 * Callers: the effects and the reconciliation of jobs, jobs.ts. Invariant: the same job has the same context
 * for as long as the runtime's secret and public URL stay.
 */
import type { ProviderAdapter, SubmitContext } from '../providers/index.js';
import type { Vault } from './vault.js';

export class Callbacks {
  readonly #vault: Vault;
  readonly #publicUrl: string | undefined;

  /** `publicUrl` is what providers reach `/hooks` below, without a slash at its end. */
  constructor(vault: Vault, publicUrl: string | undefined) {
    this.#vault = vault;
    this.#publicUrl = publicUrl;
  }

  async contextOf(adapter: ProviderAdapter, jobId: string): Promise<SubmitContext> {
    if (this.#publicUrl === undefined || adapter.webhook === undefined) return { key: jobId };
    const token = await this.#vault.token(adapter.id, jobId);
    return { key: jobId, callbackUrl: `${this.#publicUrl}/hooks/${adapter.id}/${token}` };
  }
}
