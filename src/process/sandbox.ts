/**
 * The sandbox of one process tree: what of this host it sees, as bubblewrap's arguments.
 *
 * Kept true (N4, N10): the root is an empty folder into which the system's own folders are put one by one, read-only;
 * `/` is never bound, nor `/run`, nor anybody's home; what a tree may write is named by the caller. /tmp and /dev/shm are
 * the tree's own, and so are its processes, its IPC and, but for `host`, its network.
 */

import { hide } from './hidden.ts';
import type { Gathered } from './system-files.ts';
import { programMounts, systemFolders, systemMounts } from './visible.ts';

/** One folder or file as the sandbox sees it. */
export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly write: boolean;
}

/** `empty` folders hide what lies below them. Later ones lie on earlier ones. */
export type Placed = Mount | { readonly empty: string };

export interface Sandbox {
  /** In order; what is not there is passed over only when it is `optional`. */
  readonly mounts: readonly Placed[];
  /** Seen read-only in their own places, where they are there. */
  readonly read: readonly string[];
  /** Seen and written in their own places, where they are there; left out: none. */
  readonly write?: readonly string[];
  /** Folders and files that are not seen where they lie in what is shown, but for what is put there by name; left out: none. */
  readonly hidden?: readonly string[];
  /** A folder of this host that is the sandbox's /tmp: on disk, so that filling it takes no memory. */
  readonly tmp: string;
  /**
   * `none`: loopback of its own alone. Hosts: these, by the worker's proxy; `*` stands for every public one. `host`: the
   * host's network, and with it whatever listens on this machine.
   */
  readonly network: 'none' | 'host' | { readonly hosts: readonly string[] };
}

/** What a worker that is root could set of the kernel itself, without any capability: bubblewrap alone leaves it writable. */
const KERNEL = ['sys', 'sysrq-trigger', 'irq', 'bus', 'fs', 'acpi', 'scsi', 'mtrr'].map((name) => `/proc/${name}`);
const SHM_BYTES = 256 * 1024 * 1024;

/** What bubblewrap is told, but for the program. */
export function sandboxArguments(
  sandbox: Sandbox,
  program: { readonly argv: readonly [string, ...string[]]; readonly cwd: string; readonly path: string | undefined },
  etc: Gathered | null,
): readonly string[] {
  const { mounts, read, write = [], hidden = [] } = sandbox;
  const programs = programMounts(program, hidden);
  const { cover, coverFiles, seal, isCovered } = hide(hidden, {
    whole: [...systemFolders(), ...programs],
    named: [...read, ...write],
    mounts: mounts.flatMap((mount) => ('empty' in mount ? [] : [mount])),
  });
  const isOpen = (path: string): boolean => !isCovered(path);
  const isFound = (path: string): boolean => !hidden.includes(path);
  const seen = [
    ...bound('--ro-bind-try', [...programs, ...read].filter(isOpen)),
    ...bound('--bind-try', write.filter(isOpen)),
    ...cover,
    ...bound('--ro-bind-try', [...programs.filter(isFound), ...read].filter(isCovered)),
    ...bound('--bind-try', write.filter(isCovered)),
  ];
  return [
    '--unshare-ipc',
    '--unshare-uts',
    ...(sandbox.network === 'host' ? [] : ['--unshare-net']),
    '--cap-drop',
    'ALL',
    ...systemMounts(sandbox.network === 'host', etc),
    '--proc',
    '/proc',
    ...KERNEL.flatMap((path) => ['--ro-bind-try', path, path]),
    '--dev',
    '/dev',
    '--size',
    String(SHM_BYTES),
    '--perms',
    '1777',
    '--tmpfs',
    '/dev/shm',
    '--remount-ro',
    '/dev',
    '--bind',
    sandbox.tmp,
    '/tmp',
    ...seen,
    ...mounts.flatMap(placed),
    ...coverFiles,
    ...seal,
    '--remount-ro',
    '/',
    '--chdir',
    program.cwd,
  ];
}

function bound(how: '--ro-bind-try' | '--bind-try', paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => [how, path, path]);
}

function placed(mount: Placed): readonly string[] {
  if ('empty' in mount) return ['--tmpfs', mount.empty];
  return [mount.write ? '--bind' : '--ro-bind', mount.from, mount.to];
}
