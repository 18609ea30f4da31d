/** Starts the doctor in a process of its own, and hears its facts. Callers: test/doctor. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { Stage } from '../../src/index.js';
import { bundled } from '../bundled.js';

const DOCTOR = bundled('test/doctor/children/doctor.ts');

export interface DoctorProcess {
  readonly lines: readonly string[];
  /** Settles with the line once it was heard; with undefined when the process ended without. */
  readonly heard: (fact: string) => Promise<string | undefined>;
  readonly kill: () => void;
  /** Lets a halted one go on. */
  readonly letGo: () => void;
  readonly ended: Promise<unknown>;
}

export function startDoctor(
  directory: string,
  options: { readonly halt: Stage; readonly repair?: boolean },
): DoctorProcess {
  const words = [DOCTOR, directory, options.halt, ...(options.repair === true ? ['repair'] : [])];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]);
  const heard = async (fact: string): Promise<string | undefined> => {
    while (!lines.includes(fact)) {
      const over = await Promise.race([once(reader, 'line').then(() => false), ended.then(() => true)]);
      if (over) return lines.find((line) => line === fact);
    }
    return fact;
  };
  return { lines, heard, ended, kill: () => child.kill('SIGKILL'), letGo: () => child.stdin.end() };
}
