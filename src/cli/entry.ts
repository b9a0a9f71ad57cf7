/** The command line as a process: its streams, its signals and its exit code. The built `tasks` starts here. */

import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCli } from './main.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A reader that went away, such as `head`, ends a command quietly, as it would any other program. */
const EXIT_BROKEN_PIPE = 141;
const EXIT_SIGNALED = 130;

const interrupt = new AbortController();
for (const signal of SIGNALS) {
  // A command that listens ends well on the first one; others, and whatever still goes on at the second, end at once.
  process.on(signal, () => {
    const listens = getEventListeners(interrupt.signal, 'abort').length > 0;
    if (interrupt.signal.aborted || !listens) process.exit(EXIT_SIGNALED);
    interrupt.abort();
  });
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_BROKEN_PIPE);
    throw error;
  });
}

const code = runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  interrupt: interrupt.signal,
  programs: {
    self: [process.execPath, pathOf('../bin/tasks.cjs')],
    worker: [process.execPath, pathOf('../worker/main.js')],
    version: readVersion(),
  },
});
code.then(
  (value) => {
    process.exitCode = value;
    // What was printed is waited for; a connection that is still being made or closed is not.
    process.stdout.write('', () => process.stderr.write('', () => process.exit()));
  },
  (error: unknown) => {
    throw error;
  },
);

/** Beside the chunk that this is built into, `dist/cli/main.cjs`. */
function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(pathOf('../../package.json'), 'utf8'));
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : null;
  return typeof version === 'string' ? version : 'unknown';
}
