/**
 * The console channel: one readable line a message.
 *
 * Callers: users and the demo. Invariant: one message is one line, whatever its text holds; control
 * characters never reach the terminal.
 */
import type { ChannelSend, Message, SendContext } from './port.js';

export interface ConsoleChannelOptions {
  /** Gets one line with its newline, such as `(line) => process.stdout.write(line)`. */
  readonly write: (line: string) => void;
}

/** A channel that writes `target ← text (file, ...) #deliveryId` and calls it delivered. */
export function consoleChannel(options: ConsoleChannelOptions): ChannelSend {
  return (message, context) => {
    options.write(`${lineOf(message, context)}\n`);
    return Promise.resolve({ written: true });
  };
}

function lineOf(message: Message, { deliveryId, attempt }: SendContext): string {
  const files = message.files.map((file) => `${file.name} ${file.mime}`);
  const parts = [
    `${message.channel}:${message.target} ←`,
    message.text,
    ...(files.length === 0 ? [] : [`(${files.join(', ')})`]),
    `#${deliveryId}`,
    ...(attempt === 1 ? [] : [`attempt ${attempt}`]),
  ];
  return parts.join(' ').replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
