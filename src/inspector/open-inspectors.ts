/**
 * The inspectors of one runtime: they ask it in its own process.
 *
 * Owns: the inspectors that are open. Callers: the assembly. Invariant: with the runtime they are closed, and
 * their streams end; one that was closed before is not kept.
 */
import { basename } from 'node:path';
import type { Clock } from '../clock.js';
import { inspectionApp } from '../control/index.js';
import type { Capsule, InspectionFace } from '../index.js';
import type { Logger } from '../log.js';
import { createInspector, type Inspector } from './inspector.js';
import { checkInspector, type InspectorOptions } from './options.js';

export interface OpenInspectorsOptions {
  readonly directory: string;
  readonly inspection: InspectionFace;
  readonly capsules: { readonly export: (address: string) => Promise<Capsule> };
  /** Absent where nobody runs. */
  readonly telemetry: { readonly text: () => Promise<string> } | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly live: boolean;
}

export class OpenInspectors {
  readonly #options: OpenInspectorsOptions;
  readonly #api: (request: Request) => Promise<Response>;
  readonly #closing = new AbortController();
  readonly #open = new Set<Inspector>();

  constructor(options: OpenInspectorsOptions) {
    const { inspection, capsules, telemetry, clock, log } = options;
    this.#options = options;
    this.#api = inspectionApp({
      ...{ inspection, clock, log, closing: this.#closing.signal },
      export: (address) => capsules.export(address),
      metrics: async () => telemetry?.text() ?? '',
    });
  }

  /** Throws INVALID_OPTIONS. */
  open(options?: InspectorOptions): Inspector {
    const { directory, clock, log, live } = this.#options;
    const checked = checkInspector(options);
    const name = basename(directory);
    const inspector = createInspector({
      ...{ ...checked, api: this.#api, clock, log, live, name },
      closed: () => this.#open.delete(inspector),
    });
    this.#open.add(inspector);
    return inspector;
  }

  close(): void {
    this.#closing.abort();
    for (const inspector of [...this.#open]) inspector.close();
  }
}
