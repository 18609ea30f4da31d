/** Every provider that is played, in no order that matters. Callers: server.ts, the CLI. */
import type { Dialect } from '../dialect.js';
import { agnesDialect } from './agnes.js';
import { falDialect } from './fal.js';
import { klingDialect } from './kling.js';
import { lumaDialect } from './luma.js';
import { minimaxV1Dialect } from './minimax-v1.js';
import { minimaxV2Dialect } from './minimax-v2.js';
import { openaiDialect } from './openai.js';
import { replicateDialect } from './replicate.js';
import { rsclawImageDialect } from './rsclaw-image.js';
import { rsclawDialect } from './rsclaw.js';
import { runwayDialect } from './runway.js';
import { seedanceDialect } from './seedance.js';
import { openaiResponsesDialect } from './openai-responses.js';
import { veoDialect } from './veo.js';

export const dialects: readonly Dialect[] = [
  agnesDialect,
  falDialect,
  klingDialect,
  lumaDialect,
  replicateDialect,
  rsclawDialect,
  rsclawImageDialect,
  runwayDialect,
  seedanceDialect,
  minimaxV1Dialect,
  minimaxV2Dialect,
  openaiDialect,
  openaiResponsesDialect,
  veoDialect,
];
