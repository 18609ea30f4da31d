/**
 * The plan: what is wanted, how the provider behaves, and what the kills aim at. All of it follows from the
 * seed.
 *
 * Pure. Callers: driver.ts, the verdict, tests. Invariants:
 *  P1  The same settings give the same plan in every process.
 *  P2  No two wanted jobs have the same prompt: a bill names its prompt, so each bill has one owner.
 *  P3  What is wanted, and what is rendered for it, does not depend on the number of kills.
 */
import { sha256Hex } from '../../ids.js';
import type { SimulatorScript } from '../../simulator/index.js';
import type { DemoSettings } from './settings.js';

export interface Wanted {
  /** From 1. */
  readonly number: number;
  readonly provider: 'openai' | 'kling';
  readonly kind: 'video' | 'image';
  readonly prompt: string;
  readonly promptSha256: string;
  readonly idempotencyKey: string;
  /** The chat that asked: deliveries to one chat keep their order. */
  readonly chat: string;
}

/** What a kill wants to hit. `anytime`: whatever is going on. */
export type Phase = 'intent' | 'posting' | 'downloading' | 'delivering';
export type Aim = Phase | 'anytime';
export const PHASES: readonly Phase[] = ['intent', 'posting', 'downloading', 'delivering'];

const SUBJECTS = [
  'a cat rides a bicycle through the rain',
  'a lighthouse in a storm, seen from a small boat',
  'an old tram climbs a hill at dawn',
  'paper lanterns drift over a quiet river',
  'a robot waters tomatoes on a balcony',
  'snow falls upwards in an empty station',
  'two foxes play chess by candlelight',
  'a whale made of clouds crosses the valley',
  'a violin maker bends a thin plate of spruce',
  'a market of umbrellas after the first thunder',
  'the last slice of cake, lit like a Dutch still life',
  'a library whose books open like wings',
] as const;

const CHATS = 4;

/** A number in [0, 1) that belongs to `name` under `seed`. */
function drawn(seed: number, name: string): number {
  return Number.parseInt(sha256Hex(`demo ${seed} ${name}`).slice(0, 12), 16) / 16 ** 12;
}

/** A whole number from `min` to `max`, both included. */
export function drawnBetween(seed: number, name: string, min: number, max: number): number {
  return min + Math.floor(drawn(seed, name) * (max - min + 1));
}

export function wantedOf(settings: DemoSettings): readonly Wanted[] {
  return Array.from({ length: settings.jobs }, (_, index) => wantedJob(settings, index + 1));
}

function wantedJob({ seed, prompt, endpoint }: DemoSettings, number: number): Wanted {
  const turn = drawnBetween(seed, 'first subject', 0, SUBJECTS.length - 1) + number;
  const subject = prompt ?? SUBJECTS[turn % SUBJECTS.length] ?? SUBJECTS[0];
  const text = `${subject} (demo ${seed}, take ${number})`;
  return {
    number,
    ...(endpoint.type === 'simulator' ? placeOf(seed, number) : { provider: 'openai', kind: 'video' }),
    prompt: text,
    promptSha256: sha256Hex(text),
    idempotencyKey: `demo-${seed}-${number}`,
    chat: `chat-${1 + ((number - 1) % CHATS)}`,
  };
}

/** Videos at both providers, images at Kling: each of the three for every three jobs, in a drawn order. */
function placeOf(seed: number, number: number): Pick<Wanted, 'provider' | 'kind'> {
  const places = [
    { provider: 'openai', kind: 'video' },
    { provider: 'kling', kind: 'video' },
    { provider: 'kling', kind: 'image' },
  ] as const;
  const start = drawnBetween(seed, `places ${Math.floor((number - 1) / 3)}`, 0, 2);
  return places[(start + number) % 3] ?? places[0];
}

/** Blocks of one kill for each phase and one at any time, each block shuffled. */
export function aimsOf(seed: number, kills: number): readonly Aim[] {
  const aims: Aim[] = [];
  for (let block = 0; aims.length < kills; block += 1) {
    // The phases first: a run of four kills hits each of them.
    aims.push(...shuffled(seed, `aims ${block}`, PHASES), 'anytime');
  }
  return aims.slice(0, kills);
}

function shuffled<T>(seed: number, name: string, items: readonly T[]): readonly T[] {
  return items
    .map((item, index) => ({ item, rank: drawn(seed, `${name} ${index}`) }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/**
 * A provider on an ordinary day: it takes 80 to 200 ms to answer a submit, part of that before the task
 * exists, and trickles its files; now and then it is busy, breaks, or loses an answer.
 */
export function scriptOf(): SimulatorScript {
  return {
    life: { queued: { minMs: 200, maxMs: 500 }, running: { minMs: 500, maxMs: 1_500 } },
    artifacts: { videoBytes: 262_144, imageBytes: 131_072, bytesPerSecond: 500_000 },
    faults: [
      {
        route: 'submit',
        fault: { type: 'latency', wait: { minMs: 20, maxMs: 60 }, before: 'task' },
      },
      { route: 'submit', fault: { type: 'latency', wait: { minMs: 60, maxMs: 140 } } },
      { route: 'kling.submit', nth: 3, fault: { type: 'rateLimit', retryAfter: 'seconds', waitMs: 1_000 } },
      { route: 'openai.submit', nth: 3, fault: { type: 'resetAfterBody', billed: true } },
      { route: 'openai.submit', nth: 5, fault: { type: 'rateLimit', retryAfter: 'date', waitMs: 1_000 } },
      { route: 'kling.submit', nth: 5, fault: { type: 'status', status: 503, billed: true } },
      { route: 'poll', every: 11, fault: { type: 'status', status: 503, body: 'html' } },
      { route: 'download', nth: 3, fault: { type: 'truncated', share: 0.4 } },
    ],
  };
}
