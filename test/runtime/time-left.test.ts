import { expect, test } from 'vitest';
import { timeLeft } from '../../src/actors/time-left.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';

test('what ends in time leaves the rest of it, and is not given up', async () => {
  const clock = createSimulatedClock();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  let hasGivenUp = false;
  const left = timeLeft(clock, 1_000, ended, () => {
    hasGivenUp = true;
  });
  await clock.advance(300);
  end();
  expect(await left).toBe(700);
  await clock.advance(1_000);
  expect(hasGivenUp).toBe(false);
});

test('what does not end in time leaves nothing, once it has been given up', async () => {
  const clock = createSimulatedClock();
  const told: string[] = [];
  let giveUp = (): void => undefined;
  const never = new Promise<void>(() => undefined);
  const givenUp = new Promise<void>((resolve) => (giveUp = resolve));
  const left = timeLeft(clock, 1_000, never, () => givenUp).then((ms) => told.push(`left ${ms}`));
  await clock.advance(1_000);
  expect(told).toEqual([]);
  giveUp();
  await left;
  expect(told).toEqual(['left 0']);
});
