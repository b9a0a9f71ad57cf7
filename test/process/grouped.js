// A worker's room in a control group of version 2: node grouped.js <room module> <home> <runs, as JSON>
// It runs what it is told side by side, and tells what it saw. STARTER, GUARD: as for worker-like.js.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , module, home, runs] = process.argv;
const { STARTER, GUARD, PARENT } = process.env;
const { createProcessRoom } = await import(module);
const own = () => readFileSync('/proc/self/cgroup', 'utf8').trim().replace('0::', '');

const startedBy = PARENT === undefined ? null : process.ppid;
const room = await createProcessRoom({
  home,
  starter: STARTER,
  guard: GUARD,
  startedBy,
  processes: 200,
  cpus: 0.5,
  termGraceMs: 500,
});
const run = ({ argv, limits }, index) =>
  room.run({
    argv,
    cwd: home,
    env: { PATH: process.env.PATH },
    tag: `grouped/${index}`,
    outputFile: join(home, `output-${index}`),
    maxOutputBytes: 1_000_000,
    onLine: null,
    idleTimeoutMs: 60_000,
    totalTimeoutMs: 60_000,
    signal: new AbortController().signal,
    limits: {
      processes: Infinity,
      memoryBytes: Infinity,
      writtenBytes: Infinity,
      freeBytes: 0,
      folders: [],
      ...limits,
    },
  });
const results = await Promise.all(JSON.parse(runs).map(run));
const held = { by: room.boundBy(), memory: room.holdsMemory(), cpus: room.holdsCpus(), lacks: room.lacks() };
const during = own();
await room.close();
process.stdout.write(JSON.stringify({ results, held, during, after: own() }));
