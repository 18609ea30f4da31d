/** The provider that the agent's renders are ordered from: the simulator, slow enough to be in time for. */
import { startSimulator } from 'holdfast/simulator';

const script = { life: { queued: { polls: 0 }, running: { ms: 20_000 } } };
const { url } = await startSimulator({ port: 4_100, script });
process.stdout.write(`the studio is open at ${url}; a film takes 20 seconds\n`);
