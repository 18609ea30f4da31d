/** The tests of docs/guide-test-your-agent.md, for vitest. For jest, import from '@jest/globals' instead. */
import { createTestRuntime } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { defineFilms } from './film.js';

const input = { prompt: 'a cat riding a bicycle through the rain' };

test('a film is rendered once', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  const film = await studio.kinds.films.create({ id: '1', input });

  await studio.effects.answer('film.render', { url: 'https://studio.example/1.mp4' });

  expect((await film.snapshot())?.value).toBe('ready');
  expect(studio.effects.all()).toMatchObject([{ name: 'film.render', input, attempt: 1, status: 'done' }]);
  await studio.expectQuiet();
  await studio.close();
});

test('a busy studio is asked again after an hour, and not before', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  const film = await studio.kinds.films.create({ id: '1', input });
  await studio.effects.fail('film.render', new Error('the studio says 503'));

  await studio.advance('59 min');
  expect(studio.effects.waiting()).toEqual([]);
  await studio.advance('1 min');
  expect(studio.effects.waiting()).toHaveLength(1);

  await studio.effects.answer('film.render', { url: 'https://studio.example/1.mp4' });
  expect((await film.snapshot())?.value).toBe('ready');
  await studio.close();
});

test('killed between the payment and the answer, it pays for no second film', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  await studio.kinds.films.create({ id: '1', input });

  // The studio has the money and answers; the process dies before that answer is on disk.
  const answer = () => studio.effects.answer('film.render', { url: 'https://studio.example/1.mp4' });
  await studio.crash({ at: 'before-commit', during: answer });

  const film = studio.kinds.films.get('1');
  expect((await film.snapshot())?.value).toBe('inDoubt');
  expect(studio.effects.waiting()).toEqual([]);

  // A person has looked: there is no film. Now it may be paid for.
  await film.send({ type: 'again' });
  await studio.settle();
  expect(studio.effects.waiting('film.render')).toHaveLength(1);
  await studio.close();
});

test('a test begins where another has stopped', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  const film = await studio.kinds.films.create({ id: '1', input });
  await studio.effects.fail('film.render', new Error('the studio says 503'));
  await studio.advance('20 min');
  const resting = await studio.fixture(film);
  await studio.close();

  const next = await createTestRuntime({ define: defineFilms, fixtures: [resting] });
  await next.advance('40 min');
  expect(next.effects.waiting('film.render')).toMatchObject([{ actor: 'film/1', input }]);
  await next.close();
});
