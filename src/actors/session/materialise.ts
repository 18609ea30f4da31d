/**
 * What a turn is given of the batches it has claimed: messages, causes and options.
 *
 * Pure. Callers: turn-load.ts. Invariants:
 *  1  Each input is one message, in the order of the claim: two inputs are never glued together.
 *  2  A wake is a cause and no message.
 *  3  Ids are made of the item's own id: two inputs never share one, whatever they were called outside.
 */
import type { AttachmentRef } from '../attachments.js';
import type { Batch } from './batch.js';
import type { Payload, SessionCommand } from './drafts.js';

/** A piece of a message with images. */
export type MessagePart =
  | { readonly type: 'text'; readonly id: string; readonly text: string }
  | ({ readonly type: 'image'; readonly id: string } & AttachmentRef);

export interface TurnMessage {
  /** Of its item: `<batch id>:item:<n>`. */
  readonly id: string;
  /** What its sender calls it: the source key without `host:` or `injection:`; without a key, its `id`. */
  readonly inputId: string;
  /** Texts joined by newlines; parts where the input has images. */
  readonly content: string | readonly MessagePart[];
  /** At a checkpoint: said while the turn runs, and to stay in the conversation. */
  readonly transient?: false;
}

/** Why a turn runs, where nobody said anything: something became of a process. */
export interface TurnCause {
  readonly id: string;
  readonly eventType: string;
  /** What it came from: what made the process where that is known, else the process. */
  readonly origin: string;
  /** Its input: a text as it is, anything else as JSON. */
  readonly text: string;
}

/** An input that a turn has taken: what a page moves from pending to sent. */
export interface AcceptedInput {
  readonly id: string;
  readonly message: TurnMessage;
}

export interface Materialised {
  readonly messages: readonly TurnMessage[];
  /** Each once. */
  readonly turnCauses: readonly TurnCause[];
  /** The first that are not empty. */
  readonly turnOptions: Readonly<Record<string, unknown>> | undefined;
  readonly traceTurnId: string | undefined;
  readonly acceptedInputs: readonly AcceptedInput[];
}

type Dropped = Extract<Payload, { type: 'droppedMessages' }>;
type TurnInput = Extract<Payload, { type: 'turnInput' }>;
type Wake = Extract<Payload, { type: 'processWake' }>;

export interface Materialising {
  readonly boundary: 'idle' | 'activeTurnCheckpoint';
  /** By item id: the texts that stand for dropped messages; default: how many there were, and their lines. */
  readonly summaries?: ReadonlyMap<string, string>;
}

/** What claimed batches are for a turn. */
export function materialise(batches: readonly Batch[], { boundary, summaries }: Materialising): Materialised {
  const messages: TurnMessage[] = [];
  const acceptedInputs: AcceptedInput[] = [];
  const causes = new Map<string, TurnCause>();
  const inputs: TurnInput[] = [];
  const kept = boundary === 'idle' ? {} : ({ transient: false } as const);
  for (const batch of batches) {
    batch.items.forEach(({ itemId, payload }, index) => {
      if (payload.type === 'turnInput') {
        const inputId = inputIdOf(batch, itemId, index);
        const message = { id: itemId, inputId, content: contentOf(payload, itemId), ...kept };
        inputs.push(payload);
        messages.push(message);
        acceptedInputs.push({ id: inputId, message });
      } else if (payload.type === 'droppedMessages') {
        const content = summaries?.get(itemId) ?? droppedText(payload);
        messages.push({ id: itemId, inputId: itemId, content, ...kept });
      } else if (payload.type === 'processWake') {
        const cause = causeOf(payload);
        if (!causes.has(cause.id)) causes.set(cause.id, cause);
      }
    });
  }
  return {
    ...{ messages, acceptedInputs, turnCauses: [...causes.values()] },
    turnOptions: inputs.find(({ turnOptions = {} }) => Object.keys(turnOptions).length > 0)?.turnOptions,
    traceTurnId: inputs.find(({ traceTurnId = '' }) => traceTurnId !== '')?.traceTurnId,
  };
}

/** The command that a claim is of: one batch, exclusive, with one item. */
export function exclusiveCommandOf(batches: readonly Batch[]): SessionCommand | undefined {
  const [batch, ...others] = batches;
  const [item, ...more] = batch?.items ?? [];
  if (batch?.slot !== 'exclusive' || others.length + more.length > 0) return undefined;
  return item?.payload.type === 'sessionCommand' ? item.payload.command : undefined;
}

/** How many messages a cap dropped, and a line of each that is left. */
export function droppedText({ lines, more }: Pick<Dropped, 'lines' | 'more'>): string {
  const count = lines.length + more;
  const counted = count === 1 ? '1 message was' : `${count} messages were`;
  const rest = more === 0 ? [] : [`- and ${more} more before these`];
  const head = `${counted} dropped while you were busy:`;
  return [head, ...rest, ...lines.map((line) => `- ${line}`)].join('\n');
}

const KEY_PREFIX = /^(?:host|injection):/;

/** Several inputs of one batch share its source key: they are counted. */
function inputIdOf({ sourceKey, items }: Batch, itemId: string, index: number): string {
  if (sourceKey === undefined) return itemId;
  const id = sourceKey.replace(KEY_PREFIX, '');
  return items.length === 1 ? id : `${id}:${index}`;
}

function contentOf({ items, images = {} }: TurnInput, itemId: string): TurnMessage['content'] {
  if (Object.keys(images).length === 0)
    return items.map((item) => ('text' in item ? item.text : '')).join('\n');
  const named = new Set(items.flatMap((item) => ('imageRef' in item ? [item.imageRef] : [])));
  // An image that no item names was sent all the same.
  const unnamed = Object.keys(images).filter((name) => !named.has(name));
  const all = [...items, ...unnamed.map((imageRef) => ({ imageRef }))];
  return all.flatMap((item, index): MessagePart[] => {
    const id = `${itemId}:queued.p${index}`;
    if ('text' in item) return [{ type: 'text', id, text: item.text }];
    const image = images[item.imageRef];
    return image === undefined ? [] : [{ type: 'image', id, ...image }];
  });
}

function causeOf({ processId, sequence, eventType, input, causedBy }: Wake): TurnCause {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return { id: `${processId}:${sequence}`, eventType, origin: causedBy ?? processId, text };
}
