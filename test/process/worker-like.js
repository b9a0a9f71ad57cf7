// A process that runs the room as a worker does: node worker-like.js <room module> <home> <how: bwrap|group|path of a starter> <socket command…>
import { join } from 'node:path';

const [, , module, home, how, ...argv] = process.argv;
const { createProcessRoom } = await import(module);
const room = await createProcessRoom({
  home,
  ...(how === 'group' ? { bwrapPath: null } : {}),
  ...(how.startsWith('/') ? { starter: how } : {}),
});
await room.run({
  argv,
  cwd: home,
  env: { PATH: process.env.PATH },
  tag: 'orphan/1',
  outputFile: join(home, `output-${process.pid}`),
  maxOutputBytes: 1_000_000,
  onLine: null,
  idleTimeoutMs: 60_000,
  totalTimeoutMs: 60_000,
  signal: new AbortController().signal,
});
