/** Images of a session: on disk before the work that names them, and gone with the last that does. */
import { describe, expect, it } from 'vitest';
import type { Session } from '../../src/index.js';
import { image, namesIn, untilNames } from './attachment-place.js';
import { openOne, refusal } from './session-place.js';

const CAT = image('cat');
const DOG = image('dog');

/** An input that shows an image. */
function shown({ bytes }: { readonly bytes: Uint8Array }, id?: string) {
  return { items: [{ imageRef: 'a' }], images: { a: { bytes } }, ...(id === undefined ? {} : { id }) };
}

async function contentsOf(session: Session): Promise<readonly unknown[]> {
  const { items } = await session.history();
  return items.map(({ entry }) => (entry as { content: unknown }).content);
}

describe('an image', () => {
  it('is one file for all that name it, and goes with the last of them', async () => {
    const { place, session } = await openOne();
    const one = await session.enqueue(shown(CAT));
    const two = await place.sessions.get('chat:2').enqueue(shown(CAT));
    expect(namesIn(place)).toEqual([CAT.file]);
    await session.cancel(one.batch.batchId);
    await (await session.claim()).complete();
    expect(namesIn(place)).toEqual([CAT.file]);
    await place.sessions.get('chat:2').cancel(two.batch.batchId);
    await untilNames(place, []);
  });

  it('leaves no file where its work is refused, or was there before', async () => {
    const { place, session } = await openOne();
    await session.enqueue(shown(CAT, 'm1'));
    expect(await session.enqueue(shown(DOG, 'm1'))).toMatchObject({
      ...{ deduplicated: true, contentMatches: false },
    });
    await refusal(place, 'SOURCE_KEY_CONFLICT', () =>
      session.enqueue(shown(DOG, 'm1'), { onConflict: 'reject' }),
    );
    await refusal(place, 'INVALID_INPUT', () =>
      session.enqueue({ ...shown(DOG), items: [{ imageRef: 'a' }, { imageRef: 'b' }] }),
    );
    await untilNames(place, [CAT.file]);
  });

  it('goes with a message that a cap drops, or that a newer one replaces', async () => {
    const { place, session } = await openOne();
    await session.mode({ cap: 1, drop: 'summarize' });
    await session.message(shown(CAT));
    await session.message(shown(DOG));
    await untilNames(place, [DOG.file]);
    await session.mode({ mode: 'interrupt' });
    await session.message('never mind');
    await untilNames(place, []);
  });

  it('is held by a session that came in as a capsule, too: it stays when the first lets go', async () => {
    const { place, session } = await openOne();
    await session.enqueue(shown(CAT));
    const { capsules, quarantine } = place.parts;
    await quarantine.resume(await capsules.import(await capsules.export('session/chat:1'), { id: 'chat:2' }));
    await (await session.claim()).complete();
    const turn = await place.sessions.get('chat:2').turn();
    expect(turn.messages).toMatchObject([{ content: [{ attachment: CAT.file }] }]);
    expect(namesIn(place)).toEqual([CAT.file]);
    await place.sessions.get('chat:2').settle(turn.completion());
    await untilNames(place, []);
  });
});

describe('an image in a history', () => {
  it('outlives the turn that was shown it, and its process, whoever lets go of it', async () => {
    const { place, session } = await openOne();
    await session.enqueue(shown(CAT));
    const turn = await session.turn();
    await session.inject(shown(DOG));
    await turn.checkpoint();
    await turn.commit('a cat and a dog');
    const parts = [
      [{ type: 'image', attachment: CAT.file }],
      [{ type: 'image', attachment: DOG.file }],
      'a cat and a dog',
    ];
    expect(await contentsOf(session)).toMatchObject(parts);
    const next = await place.crash();
    const later = next.sessions.get('chat:1');
    expect(await contentsOf(later)).toMatchObject(parts);
    const again = await later.enqueue(shown(CAT));
    await later.cancel(again.batch.batchId);
    // What goes last is gone only after what is looked at here.
    const mouse = await later.enqueue(shown(image('mouse')));
    await later.cancel(mouse.batch.batchId);
    await untilNames(next, [CAT.file, DOG.file]);
  });

  it('is kept for who completes a claim by hand; a name without a file is no one’s', async () => {
    const { place, session } = await openOne();
    await session.enqueue(shown(CAT));
    await session.enqueue(shown(DOG));
    const claim = await session.claim();
    const seen = { pictures: [{ attachment: CAT.file }, { attachment: image('mouse').file }] };
    const settled = await claim.complete({ turnId: 't1', commitHash: 'x', history: [seen] });
    expect(settled.repeated).toBe(false);
    await (await session.claim()).complete();
    await untilNames(place, [CAT.file]);
    const next = await place.crash();
    await untilNames(next, [CAT.file]);
    const rows = await next.rows();
    expect(rows.some(([key]) => key.includes(image('mouse').file))).toBe(false);
  });

  it('goes where its turn leaves nothing: given up, or interrupted', async () => {
    const { place, session } = await openOne();
    await session.enqueue(shown(CAT));
    const turn = await session.turn();
    await session.mode({ mode: 'interrupt' });
    await session.message('something else');
    expect(turn.signal.aborted).toBe(true);
    await untilNames(place, []);
    expect(await contentsOf(session)).toEqual([]);
  });
});
