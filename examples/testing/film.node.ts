/** The tests of docs/guide-test-your-agent.md, for node:test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestRuntime } from 'holdfast/testing';
import { defineFilms } from './film.js';

const input = { prompt: 'a cat riding a bicycle through the rain' };

void test('a film is rendered once', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  const film = await studio.kinds.films.create({ id: '1', input });

  await studio.effects.answer('film.render', { url: 'https://studio.example/1.mp4' });

  assert.equal((await film.snapshot())?.value, 'ready');
  assert.deepEqual(
    studio.effects.all().map(({ name, attempt, status }) => ({ name, attempt, status })),
    [{ name: 'film.render', attempt: 1, status: 'done' }],
  );
  await studio.expectQuiet();
  await studio.close();
});

void test('a busy studio is asked again after an hour, and not before', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  const film = await studio.kinds.films.create({ id: '1', input });
  await studio.effects.fail('film.render', new Error('the studio says 503'));

  await studio.advance('59 min');
  assert.equal(studio.effects.waiting().length, 0);
  await studio.advance('1 min');
  assert.equal(studio.effects.waiting().length, 1);

  await studio.effects.answer('film.render', { url: 'https://studio.example/1.mp4' });
  assert.equal((await film.snapshot())?.value, 'ready');
  await studio.close();
});

void test('killed between the payment and the answer, it pays for no second film', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  await studio.kinds.films.create({ id: '1', input });

  // The studio has the money and answers; the process dies before that answer is on disk.
  const answer = () => studio.effects.answer('film.render', { url: 'https://studio.example/1.mp4' });
  await studio.crash({ at: 'before-commit', during: answer });

  const film = studio.kinds.films.get('1');
  assert.equal((await film.snapshot())?.value, 'inDoubt');
  assert.equal(studio.effects.waiting().length, 0);

  // A person has looked: there is no film. Now it may be paid for.
  await film.send({ type: 'again' });
  await studio.settle();
  assert.equal(studio.effects.waiting('film.render').length, 1);
  await studio.close();
});

void test('a test begins where another has stopped', async () => {
  const studio = await createTestRuntime({ define: defineFilms });
  const film = await studio.kinds.films.create({ id: '1', input });
  await studio.effects.fail('film.render', new Error('the studio says 503'));
  await studio.advance('20 min');
  const resting = await studio.fixture(film);
  await studio.close();

  const next = await createTestRuntime({ define: defineFilms, fixtures: [resting] });
  await next.advance('40 min');
  assert.deepEqual(
    next.effects.waiting('film.render').map(({ actor, input: asked }) => ({ actor, asked })),
    [{ actor: 'film/1', asked: input }],
  );
  await next.close();
});
