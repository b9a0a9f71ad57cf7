/** A process that has no descriptor free: Linux, with prlimit. */

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';

/** Takes all there are but some, of few, so that it does not take long. @returns what gives them back */
export function takeAllDescriptors(but = 0): () => void {
  const [, before = ''] = /(\d+)/.exec(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })) ?? [];
  const highest = Math.max(...readdirSync('/proc/self/fd').map(Number));
  limitDescriptors(String(highest + 32));
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    // All of them.
  }
  for (const each of taken.splice(0, but)) closeSync(each);
  return () => {
    for (const each of taken) closeSync(each);
    limitDescriptors(before);
  };
}

function limitDescriptors(soft: string): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`]);
}
