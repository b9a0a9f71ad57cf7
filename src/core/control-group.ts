/**
 * Where a worker may make control groups, decided from what the kernel's files say. Pure: the files come with the question.
 *
 * In version 2 a group that gives controllers to those below it may have no process of its own, but at the very top. So a
 * worker makes its groups beside its own one when that is named `tributary-worker`; else below the one that it is in, out of
 * which it has to go then, into a `tributary-worker` below it: only where all that is in there is its own.
 */

/** The worker's own group, by whose name it knows that the one above is given to it. */
const WORKER_GROUP = 'tributary-worker';

export type Controller = 'memory' | 'pids' | 'cpu';

export interface GroupFiles {
  /** Where control groups are mounted. */
  readonly root: string;
  /** What /proc/self/cgroup says. */
  readonly own: string;
  /** A file's text; null when it cannot be read. */
  read(path: string): string | null;
  mayWrite(path: string): boolean;
  /** Whether a process is the worker or has been started by it. */
  isOwn(pid: number): boolean;
}

export interface GivenPlace {
  readonly kind: 'given';
  /** The group in which others may be made. */
  readonly parent: string;
  /** The group into which the worker goes first; null: it may stay where it is. */
  readonly leaf: string | null;
  /** What may be given to the groups below. */
  readonly give: readonly Controller[];
  /** What is wanted, and not there. */
  readonly missing: readonly Controller[];
}

export interface RefusedPlace {
  readonly kind: 'refused';
  /** What was found. */
  readonly why: string;
  /** What to do. */
  readonly next: string;
}

const DELEGATE =
  'start the worker in a group of its own (systemd: Delegate=yes in its unit, or systemd-run --user --scope -p Delegate=yes)';

/** In version 2. @returns null where that is not what holds processes here */
export function findPlace(files: GroupFiles, wanted: readonly Controller[]): GivenPlace | RefusedPlace | null {
  const path = ownGroup(files.own, null);
  if (path === null || files.read(`${files.root}/cgroup.controllers`) === null) return null;
  const mine = groupFolder(files, files.root, path);
  // Only the very top has no type: what a container sees as the top is none.
  const isBeside = mine !== files.root && mine.endsWith(`/${WORKER_GROUP}`);
  const parent = isBeside ? mine.slice(0, -WORKER_GROUP.length - 1) : mine;
  const type = files.read(`${parent}/cgroup.type`)?.trim() ?? null;
  const isTop = type === null;
  if (!isTop && type !== 'domain') {
    return refused(`the control group ${parent} is of type "${type}"`, `${DELEGATE}, and no threaded one`);
  }
  // Whoever moves a process needs to write there for both groups.
  const needed = [parent, `${parent}/cgroup.procs`, `${parent}/cgroup.subtree_control`];
  const closed = needed.find((file) => !files.mayWrite(file));
  if (closed !== undefined) return refused(`this account may not write ${closed}`, DELEGATE);
  const others = isTop ? 0 : othersIn(files, parent, isBeside);
  if (others > 0) {
    return refused(
      `${others} other ${others === 1 ? 'process is' : 'processes are'} in its control group ${parent}`,
      DELEGATE,
    );
  }
  const there = (files.read(`${parent}/cgroup.controllers`) ?? '').trim().split(' ');
  return {
    kind: 'given',
    parent,
    leaf: isTop || isBeside ? null : `${parent}/${WORKER_GROUP}`,
    give: wanted.filter((controller) => there.includes(controller)),
    missing: wanted.filter((controller) => !there.includes(controller)),
  };
}

/** Of a group that has the worker in it, all but the worker's own; of one above it, all. */
function othersIn(files: GroupFiles, folder: string, isAbove: boolean): number {
  const pids = (files.read(`${folder}/cgroup.procs`) ?? '').split('\n').filter((pid) => pid !== '');
  return pids.filter((pid) => isAbove || !files.isOwn(Number(pid))).length;
}

/** In words, what the kernel does not hold by groups in this one, and what to do about it; null when nothing is missing. */
export function tellMissing(parent: string, missing: readonly Controller[]): RefusedPlace | null {
  if (missing.length === 0) return null;
  const why = `${parent}/cgroup.controllers has no ${missing.join(' and no ')}`;
  return refused(
    why,
    'have what is above it give them (systemd: Delegate=memory pids cpu; the kernel: no cgroup_disable=)',
  );
}

/** In words, for what no groups can be made in version 1, and what to do about it; null when nothing is missing. */
export function tellMissingOld(missing: readonly Controller[]): RefusedPlace | null {
  if (missing.length === 0) return null;
  return refused(
    `this account may make no control groups for ${missing.join(' and ')} (version 1)`,
    'run the worker where it may, or use the limits of its service or container',
  );
}

/** The path of a process's group, of its /proc/PID/cgroup; null where there is no such hierarchy. @param controller null: version 2 */
export function ownGroup(text: string, controller: string | null): string | null {
  const line = text.split('\n').find((entry) => {
    const [number, controllers] = entry.split(':');
    return controller === null ? number === '0' : controllers?.split(',').includes(controller) === true;
  });
  return line === undefined ? null : line.split(':').slice(2).join(':');
}

/** A container has its own group at the top, whatever the host calls it. */
export function groupFolder(files: Pick<GroupFiles, 'read'>, top: string, path: string): string {
  const folder = path === '/' || path.startsWith('/..') ? top : `${top}${path}`;
  // A threaded one does not tell its processes, and version 1 has no file of controllers.
  const isThere = ['cgroup.controllers', 'cgroup.procs'].some((file) => files.read(`${folder}/${file}`) !== null);
  return isThere ? folder : top;
}

function refused(why: string, next: string): RefusedPlace {
  return { kind: 'refused', why, next };
}
