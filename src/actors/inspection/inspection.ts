/**
 * `runtime.inspection`: looking at any actor, and acting on one as an operator.
 *
 * Owns: who watches. Callers: the assembly, and users through it. Invariants: those of face.ts. Each of its
 * methods is a file of this folder.
 */
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
import { actorReport } from './actor-report.js';
import { actOn, actsOf } from './acts.js';
import { artifactFile } from './artifacts.js';
import { capsuleReport, capsuleWhatIf } from './capsule-look.js';
import { chartOf } from './chart.js';
import { delayNames, stepLine } from './lines.js';
import { linesOf, listOf } from './listing.js';
import { populationOf } from './population.js';
import type { Scene } from './scene.js';
import { stepReport } from './step-report.js';
import { entriesOf, withCommitTimes } from './steps.js';
import { storyOf } from './story.js';
import { subjectOf, withSnapshot } from './subject.js';
import { veiled } from './veil.js';
import { Watch } from './watch.js';
import { whatIfReport } from './what-if.js';
import { whyOf } from './why.js';

export class Inspection implements InspectionFace {
  readonly #scene: Scene;
  readonly #watch: Watch;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#watch = new Watch(scene);
  }

  async population(): Promise<Population> {
    return populationOf(this.#scene);
  }

  async list(filter: ListInspected = {}): Promise<Page<ActorLine>> {
    const found = await listOf(this.#scene, filter);
    return veiled(
      linesOf(found),
      found.items.map(({ record }) => record?.snapshot),
    );
  }

  async actor(address: string): Promise<ActorReport> {
    const subject = await subjectOf(this.#scene, address);
    return veiled(await actorReport(this.#scene, await withSnapshot(this.#scene, subject)));
  }

  async steps(address: string, options: ListSteps = {}): Promise<Page<StepLine>> {
    const subject = await subjectOf(this.#scene, address);
    const names = delayNames(subject.shape);
    const { items, ...page } = await entriesOf(this.#scene, subject, options);
    const lines = await withCommitTimes(
      this.#scene,
      items.map((entry) => stepLine(address, entry, names)),
    );
    return veiled({ ...page, items: lines }, [subject.record.snapshot]);
  }

  async step(address: string, seq: number): Promise<StepReport> {
    const subject = await subjectOf(this.#scene, address);
    return stepReport(this.#scene, subject, seq);
  }

  async chart(kind: string, version?: string, hash?: string): Promise<ChartView> {
    return chartOf(this.#scene, kind, version, hash);
  }

  async why(address: string): Promise<WhyReport> {
    const { report, madeOf } = await whyOf(this.#scene, address);
    return veiled(report, madeOf);
  }

  async whatIf(request: WhatIfRequest): Promise<WhatIfReport> {
    return whatIfReport(this.#scene, request);
  }

  async story(address: string, seq?: number): Promise<Story> {
    const story = await storyOf(this.#scene, address, seq);
    // What an actor knows as a secret may stand in the words of another.
    const actors = await Promise.all(story.actors.map((each) => this.#scene.kernel.reader.find(each)));
    return veiled(
      story,
      actors.map((found) => found?.record?.snapshot),
    );
  }

  async acts(address: string): Promise<readonly ActView[]> {
    return actsOf(this.#scene, address);
  }

  async act(request: ActRequest): Promise<void> {
    await actOn(this.#scene, request);
  }

  async look(capsule: unknown): Promise<CapsuleReport> {
    return capsuleReport(this.#scene, capsule);
  }

  async whatIfOf(capsule: unknown, request: Omit<WhatIfRequest, 'address'>): Promise<WhatIfReport> {
    return capsuleWhatIf(this.#scene, capsule, request);
  }

  async artifact(file: string): Promise<{ readonly path: string; readonly mediaType: string } | undefined> {
    return artifactFile(this.#scene, file);
  }

  watch(listener: (frame: LiveFrame) => void, options: { readonly address?: string } = {}): () => void {
    return this.#watch.add(listener, options.address);
  }
}
