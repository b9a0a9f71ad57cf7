/** The program: the process's own streams, signals and exit code around {@link runCli}. */

import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { readEnvironment } from '../config/environment.ts';
import { runCli } from './main.ts';

/** A command that is not done this long after Ctrl-C is ended, unless it said that it ends by itself. */
const END_AFTER_MS = 1_000;
const INTERRUPTED = 130;

const interrupt = new AbortController();
const kill = new AbortController();
let held = false;

function onSignal(): void {
  if (interrupt.signal.aborted) {
    kill.abort();
    if (!held) process.exit(INTERRUPTED);
    return;
  }
  interrupt.abort();
  if (!held) setTimeout(() => process.exit(INTERRUPTED), END_AFTER_MS).unref();
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
// A reader that has seen enough, such as head, is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** `dist/bin/tasks.cjs`, also when it was started by a link. */
const self = realpathSync(process.argv[1] ?? '.');
const root = dirname(dirname(dirname(self)));

void runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  env: readEnvironment().all,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  interrupt: interrupt.signal,
  kill: kill.signal,
  holdInterrupt: () => {
    held = true;
  },
  programs: {
    self: [process.execPath, self],
    worker: [process.execPath, join(root, 'dist', 'worker', 'main.js')],
    version: manifest.version,
    infraTemporal: join(root, 'infra', 'temporal'),
  },
}).then((code) => {
  // Whatever is still open, such as a connection that is closing, is not waited for; what was printed is.
  process.exitCode = code;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
});
