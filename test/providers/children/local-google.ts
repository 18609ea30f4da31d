/**
 * What the example of the AI SDK imports as `@ai-sdk/google`: the same, at the simulator.
 *
 * Callers: examples.test.ts bundles it into that example.
 */
import { createGoogleGenerativeAI as create } from '@ai-sdk/google';

export const createGoogleGenerativeAI: typeof create = (options) =>
  create({ ...options, apiKey: 'any', baseURL: `${process.env['SIMULATOR'] ?? ''}/veo/v1beta` });
