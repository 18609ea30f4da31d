/**
 * Where the demo keeps what it writes: all below one directory, so that anybody can read it afterwards.
 *
 * Pure. Callers: the driver.
 */
import { join } from 'node:path';

export interface Places {
  readonly directory: string;
  /** What is wanted, written before the agent starts. */
  readonly wanted: string;
  /** The runtime's directory; its `artifacts` are what this is all about. */
  readonly agent: string;
  readonly agentLog: string;
  readonly driverLedger: string;
  readonly simulatorLedger: string;
  readonly receiverLedger: string;
}

export function placesIn(directory: string): Places {
  return {
    directory,
    wanted: join(directory, 'wanted.json'),
    agent: join(directory, 'agent'),
    agentLog: join(directory, 'agent.log'),
    driverLedger: join(directory, 'ledger-driver.ndjson'),
    simulatorLedger: join(directory, 'ledger-simulator.ndjson'),
    receiverLedger: join(directory, 'ledger-receiver.ndjson'),
  };
}
