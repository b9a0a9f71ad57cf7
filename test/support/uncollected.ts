/** A process that has ended, and whose parent never asks after it: as a killed worker's in a container without an init. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { eventually } from './eventually.ts';

interface Uncollected {
  /** Its process id and its start, in the kernel's ticks, as owners of files are named. */
  readonly child: string;
  end(): void;
}

/** @param program does what `cat` does */
export async function startUncollected(program = 'cat', account: { uid?: number } = {}): Promise<Uncollected> {
  // The shell becomes a program that waits for nobody, and only then its child ends: a shell would have collected it.
  const script = '"$1" <&3 >/dev/null & echo $!; exec cat 3<&-';
  const parent = spawn('/bin/sh', ['-c', script, 'sh', program], {
    ...account,
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
  });
  const [said] = (await once(parent.stdout ?? parent, 'data')) as [Buffer];
  const pid = said.toString().trim();
  await eventually('the shell to have become another program', () => fieldsOf(parent.pid).name === '(cat)');
  const childEnd = parent.stdio[3];
  if (childEnd instanceof Writable) childEnd.end();
  await eventually(`the end of ${pid}`, () => fieldsOf(pid).state === 'Z');
  return { child: `${pid} ${fieldsOf(pid).start}`, end: () => parent.stdin?.end() };
}

function fieldsOf(pid: number | string | undefined): { name: string; state: string; start: string } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const behind = stat.lastIndexOf(')') + 1;
  const [state = '', ...others] = stat.slice(behind + 1).split(' ');
  return { name: stat.slice(stat.indexOf('('), behind), state, start: others[18] ?? '' };
}
