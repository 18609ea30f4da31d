/** A video by a model of the AI SDK: one of Google's, whose files need its key. */
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { openRuntime } from 'holdfast';
import { fromAiSdkVideoModel } from 'holdfast/providers';

const apiKey = process.env.GEMINI_API_KEY ?? '';
const model = createGoogleGenerativeAI({ apiKey }).video('veo-3.1-generate-preview');
const bridge = fromAiSdkVideoModel(model, {
  id: 'veo-by-sdk',
  baseUrl: 'https://generativelanguage.googleapis.com',
  credentialHeaders: () => ({ 'x-goog-api-key': apiKey }),
});

const runtime = await openRuntime({ directory: './.holdfast', providers: [bridge] });
const request = { prompt: 'a paper boat in the rain' };
const job = await runtime.jobs.submit({ provider: 'veo-by-sdk', kind: 'video', ...request });
process.stdout.write(`${(await job.settled()).status}\n`);
await runtime.close();
