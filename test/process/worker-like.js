// A process that runs the room as a worker does: node worker-like.js <room module> <home> <how: bwrap|group> <socket command…>
// The environment says with what: STARTER, GUARD (paths of programs), GRACE_MS (between TERM and KILL).
import { join } from 'node:path';

const [, , module, home, how, ...argv] = process.argv;
const { STARTER, GUARD, GRACE_MS } = process.env;
const { createProcessRoom } = await import(module);
const room = await createProcessRoom({
  home,
  ...(how.startsWith('group') ? { bwrapPath: null } : {}),
  ...(STARTER === undefined ? {} : { starter: STARTER }),
  ...(GUARD === undefined ? {} : { guard: GUARD }),
  ...(GRACE_MS === undefined ? {} : { termGraceMs: Number(GRACE_MS) }),
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
