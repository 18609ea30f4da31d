/** Every provider that is played, in no order that matters. Callers: server.ts, the CLI. */
import type { Dialect } from '../dialect.js';
import { klingDialect } from './kling.js';
import { openaiDialect } from './openai.js';

export const dialects: readonly Dialect[] = [openaiDialect, klingDialect];
