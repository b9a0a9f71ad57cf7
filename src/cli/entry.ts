/** The command line as a process: its streams, its signals and its exit code. The built `tasks` starts here. */

import { getEventListeners } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readOwnBuild, readOwnVersion } from '../config/own-build.ts';
import { EXIT } from './errors.ts';
import { runCli } from './main.ts';
import { watchOutput } from './unwritten.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The others come twice without anybody's being impatient: of two `tasks down`, or as a terminal is closed. */
const AT_ONCE = 'SIGINT';
const EXIT_SIGNALED = 130;

const interrupt = new AbortController();
for (const signal of SIGNALS) {
  // A command that listens ends well on the first one; others, and whatever still goes on at a further Ctrl-C, end at once.
  process.on(signal, () => {
    const listens = getEventListeners(interrupt.signal, 'abort').length > 0;
    if (interrupt.signal.aborted ? signal === AT_ONCE : !listens) process.exit(EXIT_SIGNALED);
    interrupt.abort();
  });
}

const unwritten = watchOutput([process.stdout, process.stderr], interrupt.signal, (code) => process.exit(code));

const code = runCli(process.argv.slice(2), {
  cwd: currentFolder(),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  interrupt: interrupt.signal,
  wholly: unwritten.wholly,
  programs: {
    self: [process.execPath, pathOf('../bin/tasks.cjs')],
    worker: [process.execPath, pathOf('../worker/main.js')],
    version: readOwnVersion(),
    build: readOwnBuild,
  },
});
code.then(
  (value) => {
    // What was printed is waited for, and what became of it; a connection that is still being made or closed is not.
    process.stdout.write('', () => process.stderr.write('', () => setImmediate(() => end(value))));
  },
  (error: unknown) => {
    throw error;
  },
);

function end(value: number): void {
  const { why } = unwritten;
  process.exitCode = why === null || value !== EXIT.ok ? value : EXIT.failed;
  process.stderr.write(why === null ? '' : `tasks: ${why}\n`, () => process.exit());
}

/** One that was removed is named all the same: whoever needs it says that it is not there. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return process.env['PWD'] ?? '/';
  }
}

/** Beside the chunk that this is built into, `dist/cli/main.cjs`. */
function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
