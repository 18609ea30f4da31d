/**
 * What an inspection looks at, and through: the parts of a runtime that it needs.
 *
 * Types alone. Callers: this folder; the assembly fills it.
 */
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { Accounts } from '../accounts.js';
import type { Actors } from '../actors.js';
import type { ArtifactFiles } from '../artifact-files.js';
import type { Deliveries } from '../deliveries.js';
import type { Jobs } from '../jobs.js';
import type { Kernel } from '../kernel/index.js';
import type { Quarantine } from '../quarantine.js';
import type { Sessions } from '../sessions.js';
import type { Tasks } from '../tasks.js';
import type { Work } from '../work.js';

export interface Scene {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  readonly files: ArtifactFiles;
  readonly actors: Actors;
  readonly jobs: Jobs;
  readonly deliveries: Deliveries;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly tasks: Tasks;
  readonly work: Work;
  readonly quarantine: Quarantine;
  /** False in a directory that is only looked at: time does not pass there. */
  readonly live: boolean;
}
