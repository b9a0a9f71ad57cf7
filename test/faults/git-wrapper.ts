/**
 * A program that stands in for git: it writes down the system calls of each git process that an operation starts, or
 * has one of them killed at one of its calls. Git's own children pass through it as well, by GIT_EXEC_PATH.
 *
 * Processes are named by their command and how many of that command came before: `push.1`, `receive-pack.1`.
 */

import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where in a process, or in the engine itself, the kill comes: at entering the `nth` call of this name. */
export interface Point {
  /** A git process, or `engine`. */
  readonly victim: string;
  readonly call: string;
  readonly nth: number;
}

export interface Call {
  readonly name: string;
  /** False when a kill before it and one after it leave the same behind. */
  readonly changes: boolean;
}

export const STRACE = '/usr/bin/strace';
/** The calls that can change a file, or what another process sees. */
export const CHANGING: readonly string[] =
  `openat write pwrite64 writev pwritev rename renameat renameat2 link linkat unlink unlinkat mkdir mkdirat rmdir symlink
  symlinkat utimensat chmod fchmod ftruncate copy_file_range`.split(/\s+/);
const OF_PROCESSES = ['sendto', 'sendmsg', 'connect', 'clone', 'clone3', 'vfork', 'fork', 'execve', 'kill', 'fsync'];
const REAL_GIT = '/usr/bin/git';
const CHILDREN = ['git', 'git-upload-pack', 'git-receive-pack'];

export class GitWrapper {
  readonly path: string;
  /** All that it writes lies there. */
  readonly control: string;

  constructor(control: string) {
    this.control = control;
    this.path = join(control, 'bin/git');
  }

  async make(): Promise<void> {
    const bin = join(this.control, 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(this.control, 'wrapper'), script(this.control), { mode: 0o755 });
    for (const name of CHILDREN) await symlink('../wrapper', join(bin, name));
    await this.passOn();
  }

  async passOn(): Promise<void> {
    await this.#plan('pass');
  }

  async record(): Promise<void> {
    await this.#plan('record');
  }

  /** @param worker the engine's process, which dies with the git process; 0: it goes on */
  async kill({ victim, call, nth }: Point, worker: number): Promise<void> {
    await this.#plan(`kill ${victim} ${call} ${nth} ${worker}`);
  }

  hasKilled(): boolean {
    return existsSync(join(this.control, 'killed'));
  }

  /** Whether the engine is to die with a git that was killed where it does not see the engine. */
  wantsEngineDead(): boolean {
    return existsSync(join(this.control, 'engine-too'));
  }

  /** The calls of each git process that ran since `record`, in their order. */
  async calls(): Promise<ReadonlyMap<string, readonly Call[]>> {
    const folder = join(this.control, 'trace');
    const calls = new Map<string, readonly Call[]>();
    for (const name of (await readdir(folder)).sort()) {
      calls.set(name, callsOf(await readFile(join(folder, name), 'utf8')));
    }
    return calls;
  }

  async #plan(text: string): Promise<void> {
    for (const name of ['seen', 'trace']) {
      await rm(join(this.control, name), { recursive: true, force: true });
      await mkdir(join(this.control, name));
    }
    for (const name of ['killed', 'engine-too']) await rm(join(this.control, name), { force: true });
    await writeFile(join(this.control, 'plan'), `${text}\n`);
  }
}

/** The calls in what strace wrote, of one process or thread. */
export function callsOf(trace: string, thread: number | null = null): readonly Call[] {
  return [...trace.matchAll(/^(?:(\d+) +)?(\w+)\((.*)/gm)]
    .filter(([, pid]) => thread === null || Number(pid) === thread)
    .map(([, , name = '', rest = '']) => ({ name, changes: canChange(name, rest) }));
}

function canChange(name: string, rest: string): boolean {
  if (name === 'openat') return /O_CREAT|O_TRUNC/.test(rest);
  return CHANGING.includes(name) || OF_PROCESSES.includes(name);
}

function script(control: string): string {
  return `#!/bin/sh
control='${control}'
export GIT_EXEC_PATH="$control/bin"
called=\${0##*/}
[ "$called" = git ] || set -- "\${called#git-}" "$@"
skip=
name=git
for arg do
  if [ -n "$skip" ]; then skip=; continue; fi
  case $arg in
    -c) skip=1 ;;
    -*) ;;
    *) name=$arg; break ;;
  esac
done
read -r mode victim call nth worker < "$control/plan"
[ "$mode" = pass ] && exec ${REAL_GIT} "$@"
n=1
until (set -C; : > "$control/seen/$name.$n") 2> /dev/null; do n=$((n + 1)); done
if [ "$mode" = record ]; then exec ${STRACE} -qq -o "$control/trace/$name.$n" ${REAL_GIT} "$@"; fi
[ "$victim" = "$name.$n" ] || exec ${REAL_GIT} "$@"
${STRACE} -qq -o /dev/null -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$nth" ${REAL_GIT} "$@"
code=$?
if [ $code -eq 137 ]; then
  : > "$control/killed"
  if [ "$worker" != 0 ] && ! kill -9 "$worker" 2> /dev/null; then
    : > "$control/engine-too"
    while :; do sleep 1; done
  fi
fi
exit $code
`;
}
