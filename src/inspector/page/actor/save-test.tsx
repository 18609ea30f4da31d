/**
 * A what-if, saved: the text of a test, and the capsule that it is about.
 *
 * Callers: what-if.tsx. Invariant: the capsule's name is the one that the test asks for.
 */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { WhatIfReport } from '../../../actors/inspection/face.js';
import { Trouble } from '../notice.js';
import type { ActorSource } from './source.js';

interface SaveProps {
  readonly report: WhatIfReport;
  readonly capsule: ActorSource['capsule'];
}

export function SaveTest({ report, capsule }: SaveProps): VNode {
  const [error, setError] = useState<unknown>();
  const file = capsuleFileIn(report);
  const saveCapsule = async (): Promise<void> => {
    setError(undefined);
    try {
      download(file, `${JSON.stringify(await capsule())}\n`, 'application/json');
    } catch (thrown) {
      setError(thrown);
    }
  };
  return (
    <>
      <button type="button" onClick={() => download(testFileOf(file), report.test, 'text/plain')}>
        Save as test
      </button>
      <button type="button" onClick={() => void saveCapsule()}>
        Its capsule
      </button>
      {error !== undefined && <Trouble error={error} />}
    </>
  );
}

/** The test names its capsule; should it ever not, the actor's id does. */
function capsuleFileIn({ test, address }: WhatIfReport): string {
  return (
    /[\w.@%-]+\.capsule\.json/.exec(test)?.[0] ?? `${plain(address.split('/').at(-1) ?? '')}.capsule.json`
  );
}

function testFileOf(capsuleFile: string): string {
  return capsuleFile.replace(/\.capsule\.json$/, '.what-if.test.ts');
}

function plain(name: string): string {
  return name.replaceAll(/[^\w.@-]/g, '_') || 'actor';
}

function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the bytes by the time the click is handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
