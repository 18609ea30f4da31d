/**
 * The table of rooms: who may import whom. docs/architecture.md draws the same in a picture.
 *
 * Callers: test/tidy.test.ts. To add a room is to add a row here, on purpose.
 */

/** Small files directly in src/ that anyone but `machines` may import; they import each other alone. */
export const leafFiles = [
  'attempt',
  'clock',
  'errors',
  'findings',
  'ids',
  'json',
  'limits',
  'log',
  'options',
  'secret-shapes',
] as const;

export interface Room {
  /** Rooms whose entry files it may import. */
  readonly rooms: readonly string[];
  /** Rooms of which it may import types alone, beside the files of `sharedWords`. */
  readonly typesOf?: readonly string[];
  /** Packages, and `node:` for the platform; absent: whatever package.json declares. */
  readonly packages?: readonly string[];
  /** False: it may not even import the leaf files. Default true. */
  readonly leaves?: boolean;
  /** True: it may import runtime.ts and index.ts, the public face. */
  readonly face?: boolean;
}

const ports = ['providers', 'channels'];

/** Rooms of today. */
export const rooms: Readonly<Record<string, Room>> = {
  machines: { rooms: [], packages: ['xstate'], leaves: false },
  store: {
    rooms: [],
    packages: ['level', 'memory-level', 'abstract-level', '@node-rs/crc32', 'hysnappy', 'node:'],
  },
  providers: {
    rooms: [],
    packages: ['undici', 'ipaddr.js', 'file-type', 'jose', 'standardwebhooks', 'zod', 'node:'],
  },
  channels: { rooms: [], packages: ['undici', 'standardwebhooks', 'node:'] },
  actors: {
    rooms: ['machines', ...ports],
    typesOf: ['store'],
    packages: ['xstate', 'zod', 'croner', 'prom-client', '@opentelemetry/api', 'node:'],
  },
  simulator: {
    rooms: [],
    packages: ['hono', '@hono/node-server', 'jose', 'standardwebhooks', 'undici', 'zod', 'node:'],
  },
  control: {
    rooms: ['actors', ...ports],
    face: true,
    packages: ['hono', '@hono/node-server', 'undici', 'zod', 'node:'],
  },
  drawing: { rooms: [], packages: ['xstate', 'elkjs', 'node:'] },
  inspector: {
    rooms: ['control', 'actors', 'drawing'],
    face: true,
    packages: ['hono', '@hono/node-server', 'undici', 'ws', 'zod', 'node:'],
  },
  testing: { rooms: ['store', 'actors', 'machines'], face: true },
  runners: { rooms: ['providers', 'machines'], face: true, packages: ['ai', 'node:'] },
  client: { rooms: [], face: true, packages: ['undici', 'node:'] },
  cli: { rooms: ['simulator', 'control', 'store', 'actors', 'drawing', 'inspector', ...ports], face: true },
};

/**
 * The inspector's page runs in a browser: it is bundled, and nobody imports it. What it takes of the rest is
 * free of the platform: words, their names on the wire, how a time span is told, and the paths of states.
 */
export const page = {
  folder: 'src/inspector/page/',
  files: [
    'src/control/inspection-wire.ts',
    'src/actors/inspection/duration-words.ts',
    'src/actors/kernel/leaves.ts',
  ],
  typesOf: ['src/actors/inspection/face.ts', 'src/json.ts'],
  /** In the bundle; xstate for its types alone. */
  packages: ['preact'],
  packageTypes: ['xstate'],
} as const;

/** Files other rooms may import: a room's index, the ports, and what the kernel shares. */
export const entryFiles = ['index.ts', 'port.ts', 'store.ts', 'keys.ts', 'commit-time.ts'] as const;

/** Pure words of the store that the kernel shares: the key table, and what a link says of time. */
export const sharedWords = ['src/store/keys.ts', 'src/store/commit-time.ts'] as const;

/** Files directly in src/ that put the rooms together. */
export const assemblyFiles = [
  'index.ts',
  'doctor.ts',
  'doctor-options.ts',
  'backup.ts',
  'assembly.ts',
  'offline.ts',
  'runtime.ts',
  'runtime-options.ts',
] as const;

/**
 * Factories of concrete implementations: named by their own room, the assembly and the doors, and nobody
 * else.
 */
export const concreteNames = [
  'openLevelStore',
  'openMemoryStore',
  'createTransport',
  'openai',
  'kling',
  'agnes',
  'openaiResponses',
  'veo',
  'seedance',
  'minimax',
  'fal',
  'fromAiSdkVideoModel',
  'luma',
  'replicate',
  'runway',
  'rsclaw',
  'rsclawImage',
  'webhookChannel',
  'consoleChannel',
  'startSimulator',
] as const;

/**
 * Where a value crosses from XState's types or stored JSON into ours with a double cast. May shrink, not
 * grow.
 */
export const castingFiles = [
  'src/actors/session/desk.ts',
  'src/actors/job-effects.ts',
  'src/actors/jobs.ts',
  'src/actors/kernel/quarantine.ts',
  'src/actors/kernel/reader.ts',
  'src/actors/kernel/replay.ts',
  'src/actors/kernel/step.ts',
  'src/actors/kernel/step-scope.ts',
  'src/actors/kernel/stepper.ts',
  'src/actors/kernel/turn.ts',
  'src/actors/tasks.ts',
] as const;
