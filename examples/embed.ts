/**
 * Holdfast inside a program: one image, rendered and on disk, its delivery committed with it. Needs no key:
 * the provider is the simulator.
 */
import { openRuntime } from 'holdfast';
import { consoleChannel } from 'holdfast/channels';
import { kling } from 'holdfast/providers';
import { startSimulator } from 'holdfast/simulator';

const simulator = await startSimulator();
const runtime = await openRuntime({
  directory: './.holdfast',
  // kling() alone talks to the real service, with KLING_API_KEY from the environment.
  providers: [kling({ baseUrl: `${simulator.url}/kling`, apiKey: 'any' })],
  channels: { chat: consoleChannel({ write: (line) => process.stdout.write(line) }) },
});

const job = await runtime.jobs.submit({
  provider: 'kling',
  kind: 'image',
  prompt: 'a lighthouse in the fog',
  sessionKey: 'chat:42',
  delivery: { channel: 'chat', target: '42' },
  poll: { everyMs: 200 },
});
// The job is on disk from here on: it would go on after a kill -9 and the next openRuntime.
const { status, artifacts } = await job.settled();
process.stdout.write(`${status}: ${artifacts.length} artifact\n`);

// A delivery that has not gone out by now goes out after the next openRuntime.
await runtime.close();
await simulator.close();
