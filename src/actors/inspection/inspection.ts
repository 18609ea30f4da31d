/**
 * `runtime.inspection`: looking at any actor, and acting on one as an operator.
 *
 * Owns: nothing. Callers: the assembly, and users through it. Invariants: those of face.ts. Each of its
 * methods is a file of this folder.
 */
import { HoldfastError } from '../../errors.js';
import type { Page } from '../kernel/index.js';
import type {
  ActorLine,
  ActorReport,
  ActRequest,
  ActView,
  CapsuleReport,
  ChartView,
  InspectionFace,
  ListInspected,
  ListSteps,
  LiveFrame,
  Population,
  StepLine,
  StepReport,
  Story,
  WhatIfReport,
  WhatIfRequest,
  WhyReport,
} from './face.js';
import type { Scene } from './scene.js';

export class Inspection implements InspectionFace {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async population(): Promise<Population> {
    return missing('population', this.#scene);
  }

  async list(filter: ListInspected = {}): Promise<Page<ActorLine>> {
    return missing('list', filter);
  }

  async actor(address: string): Promise<ActorReport> {
    return missing('actor', address);
  }

  async steps(address: string, options: ListSteps = {}): Promise<Page<StepLine>> {
    return missing('steps', [address, options]);
  }

  async step(address: string, seq: number): Promise<StepReport> {
    return missing('step', [address, seq]);
  }

  async chart(kind: string, version?: string, hash?: string): Promise<ChartView> {
    return missing('chart', [kind, version, hash]);
  }

  async why(address: string): Promise<WhyReport> {
    return missing('why', address);
  }

  async whatIf(request: WhatIfRequest): Promise<WhatIfReport> {
    return missing('whatIf', request);
  }

  async story(address: string, seq?: number): Promise<Story> {
    return missing('story', [address, seq]);
  }

  async acts(address: string): Promise<readonly ActView[]> {
    return missing('acts', address);
  }

  async act(request: ActRequest): Promise<void> {
    missing('act', request);
  }

  async look(capsule: unknown): Promise<CapsuleReport> {
    return missing('look', capsule);
  }

  async whatIfOf(capsule: unknown, request: Omit<WhatIfRequest, 'address'>): Promise<WhatIfReport> {
    return missing('whatIfOf', [capsule, request]);
  }

  async artifact(file: string): Promise<{ readonly path: string; readonly mediaType: string } | undefined> {
    return missing('artifact', file);
  }

  watch(listener: (frame: LiveFrame) => void, options: { readonly address?: string } = {}): () => void {
    return missing('watch', [listener, options]);
  }
}

function missing(what: string, given: unknown): never {
  throw new HoldfastError('INVALID_INPUT', `${what}: not built (${typeof given})`);
}
