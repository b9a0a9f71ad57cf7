/**
 * The sandbox of one short command of the engine's own that looks at what an agent wrote: the system's programs, the command
 * itself, and the folders that it is given; no network, nobody's processes, no time to be told of. Far less is put into it
 * than into an agent's, since it is made for each command.
 *
 * Kept true (N4, N10): whatever such a command is led to do by the files that it reads, it reaches nothing else.
 */

import { dirname } from 'node:path';

import { hide } from './hidden.ts';
import type { ConfinedCommand } from './types.ts';
import { locate, programMounts, systemFolders, systemPrograms } from './visible.ts';

/** Of the system's folders some programs lie in are no programs' own: what is needed of them is put in by name. */
const NOT_WHOLE = ['/opt', '/snap', '/var/lib/snapd/snap'];

const DEVICES = ['/dev/null', '/dev/urandom'];

/** The command line that starts it. @param path the PATH by which the program is found */
export function confinedCommand(bwrap: string, command: ConfinedCommand): readonly [string, ...string[]] {
  const { argv, cwd, path, read, write, hidden } = command;
  const [program, ...args] = argv;
  const folders = path.split(':').filter((folder) => folder !== '');
  const file = locate(program, cwd, folders) ?? program;
  const whole = systemFolders().filter((folder) => !NOT_WHOLE.includes(folder));
  const { cover } = hide(hidden, { whole, named: [], mounts: [] });
  const programs = programMounts({ argv: [file], cwd, path: dirname(file) }, [...hidden, ...NOT_WHOLE]);
  return [
    bwrap,
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-net',
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    // An agent can take the right to read its files from everybody, and the engine still stores them where it is root.
    ...(process.getuid?.() === 0 ? ['--cap-add', 'CAP_DAC_OVERRIDE'] : []),
    ...systemPrograms(NOT_WHOLE),
    ...['/etc/ld.so.cache', ...programs].flatMap((each) => ['--ro-bind-try', each, each]),
    ...DEVICES.flatMap((each) => ['--dev-bind-try', each, each]),
    ...cover,
    ...read.flatMap((each) => ['--ro-bind-try', each, each]),
    ...write.flatMap((each) => ['--bind-try', each, each]),
    '--chdir',
    cwd,
    '--',
    file,
    ...args,
  ];
}
