/**
 * The other process of the doctor's tests: examines a directory and can be halted at a stage.
 *
 *   doctor.ts <directory> <stage to halt at | -> [repair]
 *
 * Every line is a fact that has happened: `stage <name>`, `verdict <verdict>`, `refused <code>`. While halted
 * it does nothing, until its standard input ends.
 */
import { readSync, writeSync } from 'node:fs';
import { examine, isHoldfastError } from '../../../src/index.js';

const [directory = '', halt = '-', repair] = process.argv.slice(2);

function say(fact: string): void {
  writeSync(1, `${fact}\n`);
}

/** Synchronous: not one instruction of the doctor's runs meanwhile. */
function stand(): void {
  const byte = Buffer.alloc(1);
  while (readSync(0, byte, 0, 1, null) > 0) continue;
}

try {
  const report = await examine({
    directory,
    repair: repair === 'repair',
    onStage: (stage) => {
      say(`stage ${stage}`);
      if (stage === halt) stand();
    },
  });
  say(`verdict ${report.verdict}`);
} catch (error) {
  if (!isHoldfastError(error)) throw error;
  say(`refused ${error.code}`);
}
