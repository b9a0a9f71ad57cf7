/** A command whose output is a secret. Kept true: one that is given up is ended with all of its process group. */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

const LIMIT_MS = 20_000;
const MAX_BYTES = 64 * 1024;

/** Null when it failed, said too much, or did not end in time; never what it said of that, which may be the secret. */
export function outputOf(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
  limitMs = LIMIT_MS,
): Promise<string | null> {
  return new Promise((resolve) => {
    // Nobody is there to be asked for a password: a program that asks hears so at once, on a terminal too.
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    // Where no descriptor is free there is none, whatever its type says.
    const stdout: Readable | undefined = child.stdout;
    const finish = (text: string | null): void => {
      clearTimeout(limit);
      process.off('exit', giveUp);
      stdout?.destroy();
      resolve(text);
    };
    const giveUp = (): void => {
      endGroup(child.pid);
      finish(null);
    };
    const limit = setTimeout(giveUp, limitMs);
    // A Ctrl-C does not reach it in its own session: it ends with who asked.
    process.once('exit', giveUp);
    stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) giveUp();
      else chunks.push(chunk);
    });
    child.on('error', () => finish(null));
    child.on('close', (code) => finish(code === 0 ? Buffer.concat(chunks).toString('utf8') : null));
  });
}

/** What has ended, or is another account's, as what sudo has begun, stays as it is. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing more can be done of it, and its secret is not had either way.
  }
}
