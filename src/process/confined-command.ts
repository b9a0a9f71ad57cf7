/**
 * The sandbox of one short command of the engine's own that looks at what an agent wrote: the system's programs, the command
 * itself, and the folders that it is given; no network, nobody's processes. Far less is put into it than into an agent's, since
 * it is made for each command.
 *
 * Kept true (N4, N10): whatever such a command is led to do by the files that it reads, it reaches nothing else.
 */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

import { chooseContainer, USUAL_PLACES, usualBwrap, type Container } from './containment.ts';
import { hide } from './hidden.ts';
import type { ConfinedCommand } from './types.ts';
import { locate, programMounts, systemFolders, systemPrograms } from './visible.ts';

/** Folders in which people keep more than programs: what is needed of them is put in by name. */
const NOT_WHOLE = ['/opt', '/snap', '/var/lib/snapd/snap'];
const DEVICES = ['/dev/null', '/dev/urandom'];

interface Seen {
  readonly file: string;
  /** Before what a command is given, and after it. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** What does not change from command to command; found once. */
const kept = new Map<string, Seen>();

function seenBy({ argv, visible, cwd, path, hidden }: ConfinedCommand): Seen {
  const program = visible ?? argv[0];
  const key = JSON.stringify([program, path, hidden]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const folders = path.split(':').filter((folder) => folder !== '');
  const file = locate(program, cwd, folders) ?? program;
  const programs = programMounts({ argv: [file], cwd, path: dirname(file) }, [...hidden, ...NOT_WHOLE]);
  const whole = [...systemFolders().filter((folder) => !NOT_WHOLE.includes(folder)), ...programs];
  const { cover, coverFiles, seal } = hide(hidden, { whole, named: [], mounts: [] });
  const before = [
    ...systemPrograms(NOT_WHOLE),
    ...['/etc/ld.so.cache', ...programs].flatMap((each) => ['--ro-bind-try', each, each]),
    ...DEVICES.flatMap((each) => ['--dev-bind-try', each, each]),
    ...cover,
  ];
  const seen = { file, before, after: [...coverFiles, ...seal, '--remount-ro', '/'] };
  kept.set(key, seen);
  return seen;
}

type Confined = (command: ConfinedCommand) => readonly [string, ...string[]];

/** Null where no sandbox can be made. */
export function confinedBy({ bwrap, sandbox }: Pick<Container, 'bwrap' | 'sandbox'>): Confined | null {
  return bwrap === null || sandbox.kind === 'missing' ? null : (command) => confinedCommand(bwrap, command);
}

/** Why no sandbox can be made. */
export interface Unconfined {
  readonly why: string;
  /** Whether bubblewrap is there at all; where it is looked for. */
  readonly isInstalled: boolean;
  readonly places: readonly string[];
}

/**
 * For who has no room: as one that is opened here would confine commands, or why it would not.
 *
 * @param bwrapPath as a room's
 * @param limitMs so long a trial may take
 */
export async function tryConfined(bwrapPath?: string, limitMs?: number): Promise<Confined | Unconfined> {
  const container = await chooseContainer(bwrapPath, limitMs);
  const { sandbox } = container;
  const why = sandbox.kind === 'missing' ? sandbox.why : '';
  const isInstalled = existsSync(bwrapPath ?? usualBwrap() ?? '');
  return confinedBy(container) ?? { why, isInstalled, places: USUAL_PLACES };
}

/** The command line that starts it. */
export function confinedCommand(bwrap: string, command: ConfinedCommand): readonly [string, ...string[]] {
  const { argv, visible, cwd, read, write } = command;
  const { file, before, after } = seenBy(command);
  return [
    bwrap,
    '--unshare-pid',
    // It leaves nobody behind whom another first process would have to take in.
    '--as-pid-1',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-net',
    '--die-with-parent',
    '--cap-drop',
    'ALL',
    // An agent can close its files to everybody, and the engine still stores them where it is root.
    ...(process.getuid?.() === 0 ? ['--cap-add', 'CAP_DAC_OVERRIDE'] : []),
    ...before,
    ...read.flatMap((each) => ['--ro-bind-try', each, each]),
    ...write.flatMap((each) => ['--bind-try', each, each]),
    ...after,
    '--chdir',
    cwd,
    '--',
    argv[0] === (visible ?? argv[0]) ? file : argv[0],
    ...argv.slice(1),
  ];
}
