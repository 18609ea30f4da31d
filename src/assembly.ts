/**
 * The rooms of one open store, wired: where ports meet their implementations.
 *
 * Owns: nothing. Callers: runtime.ts, offline.ts. Invariant: nothing of it acts before the kernel starts.
 */
import { join } from 'node:path';
import { Accounts } from './actors/accounts.js';
import { Actors } from './actors/actors.js';
import { ArtifactFiles } from './actors/artifact-files.js';
import { ArtifactParts } from './actors/artifact-parts.js';
import { Attachments } from './actors/attachments.js';
import { Callbacks } from './actors/callbacks.js';
import { Capsules } from './actors/capsule/capsules.js';
import { Deliveries } from './actors/deliveries.js';
import { Hooks } from './actors/hooks/hooks.js';
import { Ingress } from './actors/hooks/ingress.js';
import { ParkedEvents } from './actors/hooks/parked-events.js';
import { Inspection } from './actors/inspection/inspection.js';
import { JobEffects } from './actors/job-effects.js';
import { JobReconcile } from './actors/job-reconcile.js';
import { Jobs } from './actors/jobs.js';
import { Kernel } from './actors/kernel/index.js';
import type { ProviderBook } from './actors/provider-book.js';
import { Providers } from './actors/providers.js';
import { Quarantine } from './actors/quarantine.js';
import { Sessions } from './actors/sessions.js';
import { Tasks } from './actors/tasks.js';
import { Telemetry } from './actors/telemetry/telemetry.js';
import { Vault } from './actors/vault.js';
import { Work } from './actors/work.js';
import { Backups } from './backup.js';
import { systemClock } from './clock.js';
import { WorkDoor } from './control/work-door.js';
import { newId as randomId } from './ids.js';
import { OpenInspectors } from './inspector/index.js';
import { createLogger } from './log.js';
import { createTransport, WebhookVerifier } from './providers/index.js';
import type { Doubles, RuntimeOptions } from './runtime-options.js';
import { fileFault, secretBelow, type Store } from './store/index.js';

export type Assembly = Awaited<ReturnType<typeof assemble>>;

/** Wires everything over a store, which stays the caller's to close. `options.directory` is absolute. */
export async function assemble(
  options: RuntimeOptions,
  store: Store,
  providers: ProviderBook,
  { newId, hook, live = true }: Doubles = {},
) {
  const { directory, channels = {}, jobs: defaults = {}, memory } = options;
  const { clock = systemClock, log = createLogger({ level: 'warn' }) } = options;
  const { retentionMs } = defaults;
  const telemetry = live ? new Telemetry(clock, log, options.telemetry) : undefined;
  const kernel = await Kernel.open({ store, clock, log, memory, hook, watch: telemetry });
  telemetry?.attach(kernel);
  const artifacts = join(directory, 'artifacts');
  const files = new ArtifactFiles(artifacts, kernel, log);
  const parts = new ArtifactParts(artifacts, kernel, log);
  const inputs = { directory: join(directory, 'attachments'), kernel, store, log, faultOf: fileFault };
  const attachments = new Attachments(inputs);
  const pathOf = (path: string): string => files.pathOf(path);
  const transport = createTransport({ clock, log });
  const accounts = new Accounts(kernel, clock, log);
  const deliveries = new Deliveries(kernel, { channels, retentionMs, pathOf }, log);
  const { secret, webhooks } = options;
  const vault = new Vault(async () => secret ?? (await secretBelow(directory)));
  const callbacks = new Callbacks(vault, webhooks?.publicUrl.replace(/\/$/, ''));
  const asking = { kernel, providers, accounts, transport, vault, callbacks };
  const effects = new JobEffects({ ...asking, clock, files, parts, log });
  const reconcile = new JobReconcile({ ...asking, effects });
  const sessionAttemptsMax = options.sessions?.attemptsMax;
  const jobs = new Jobs({
    ...{ kernel, providers, accounts, deliveries, effects, reconcile, callbacks, vault },
    ...{ defaults, sessionAttemptsMax, log, newId },
  });
  const parked = new ParkedEvents(kernel, log);
  const verifier = new WebhookVerifier(clock, transport);
  const hooks = new Hooks({ kernel, effects, vault, verifier, parked, clock });
  const { publicUrl } = webhooks ?? {};
  const { token } = options.work ?? {};
  const work = new Work({
    ...{ kernel, clock, log, generation: store.generation },
    newId: newId ?? randomId,
    options: options.work ?? {},
  });
  const desk = new Providers({ kernel, providers, accounts, transport, log });
  const sessions = new Sessions({
    ...{ kernel, attachments, clock, log, generation: store.generation },
    newId: newId ?? randomId,
    defaults: options.sessions ?? {},
  });
  const tasks = new Tasks({
    ...{ kernel, clock, log, deliveries, generation: store.generation, sessionAttemptsMax },
    newId: newId ?? randomId,
    defaults: options.tasks ?? {},
  });
  const quarantine = new Quarantine(kernel);
  const actors = new Actors(kernel, log, newId);
  const inspection = new Inspection({
    ...{ kernel, clock, log, files, actors, jobs, deliveries, accounts, sessions, tasks, work, quarantine },
    live,
  });
  const capsules = new Capsules(kernel, clock);
  const inspectors = new OpenInspectors({ directory, inspection, capsules, telemetry, clock, log, live });
  return {
    providers: desk,
    ...{ parked, ingress: new Ingress({ providers, vault, hooks, clock, log, publicUrl }) },
    ...{ store, kernel, telemetry, log, parts, files, attachments, transport, accounts, deliveries, jobs },
    ...{ sessions, tasks, work, quarantine, actors, inspection, capsules, inspectors },
    workDoor: token === undefined ? undefined : new WorkDoor({ work, token, publicUrl, clock, log }),
    backups: new Backups({ directory, store, files, attachments, clock }),
  };
}
