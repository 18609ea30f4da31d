/**
 * The providers' official clients, as their users make them, led to a simulator.
 *
 * Callers: the tests of this folder. Invariant: nothing is set but the key, the address and what a test
 * gives.
 */
import { createFalClient, type FalClient } from '@fal-ai/client';
import { GoogleGenAI } from '@google/genai';
import RunwayML from '@runwayml/sdk';
import LumaAI from 'lumaai';
import OpenAI from 'openai';
import Replicate from 'replicate';
import type { Simulator } from '../../src/simulator/index.js';

export function openaiClient({ url }: Simulator, more: { readonly maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ apiKey: 'sk-test', baseURL: `${url}/openai/v1`, ...more });
}

export function responsesClient({ url }: Simulator): OpenAI {
  return new OpenAI({ apiKey: 'sk-test', baseURL: `${url}/openai-responses/v1` });
}

export function replicateClient({ url }: Simulator): Replicate {
  return new Replicate({ auth: 'r8_test', baseUrl: `${url}/replicate/v1` });
}

/** Its hosts are fixed: each request is turned round. */
export function falClient({ url }: Simulator): FalClient {
  return createFalClient({
    credentials: 'id:secret',
    requestMiddleware: async (request) => ({
      ...request,
      url: request.url.replace('https://queue.fal.run', `${url}/fal`),
    }),
  });
}

export function runwayClient({ url }: Simulator): RunwayML {
  return new RunwayML({ apiKey: 'key_test', baseURL: `${url}/runway` });
}

export function lumaClient({ url }: Simulator): LumaAI {
  return new LumaAI({ authToken: 'luma-test', baseURL: `${url}/luma/dream-machine/v1` });
}

export function googleClient({ url }: Simulator): GoogleGenAI {
  return new GoogleGenAI({ apiKey: 'AIza-test', httpOptions: { baseUrl: `${url}/veo` } });
}
