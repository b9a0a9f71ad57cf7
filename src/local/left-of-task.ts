/** What a task has on a host beside its workspace, and how it goes with it. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ProjectName, TaskId } from '../core/ids.ts';
import { parsePortOwner, portOwners, type PortOwner } from '../core/ports.ts';
import { removeWhole } from '../files/remove.ts';
import { dropHibernated } from './hibernated.ts';
import type { PortLeases } from './port-leases.ts';

interface Left {
  readonly home: string;
  readonly ports: Pick<PortLeases, 'free' | 'list'>;
}

/** Removes a workspace that nobody uses, as the git room does it. */
export type RemoveUnused = (
  project: ProjectName,
  taskId: TaskId,
  asked: { readonly mayGo: () => Promise<boolean>; readonly gone: () => Promise<void> },
) => Promise<'removed' | 'kept' | 'in-use'>;

/** Removes the home and temporary files of its processes, its lease of ports, and the note that it was hibernated. */
export async function removeLeft({ home, ports }: Left, project: ProjectName, taskId: TaskId): Promise<void> {
  const scratch = join(home, 'scratch', project, taskId);
  for (const folder of [scratch, `${scratch}.tmp`]) await removeWhole(folder);
  await ports.free(portOwners.task(project, taskId));
  await dropHibernated(home, taskId);
}

/** Leases for what is there no more: a worker died between its removal and that of its lease. */
export async function listStalePorts({ home, ports }: Left): Promise<readonly string[]> {
  return (await ports.list()).map(({ owner }) => owner).filter((owner) => isGone(home, parsePortOwner(owner)));
}

/** Frees such a lease, unless it is in use again by now: false then. */
export async function freeStalePorts({ home, ports }: Left, owner: string, remove: RemoveUnused): Promise<boolean> {
  const of = parsePortOwner(owner);
  if (!isGone(home, of)) return false;
  if (of?.kind !== 'task') {
    await ports.free(owner);
    return true;
  }
  // An attempt may be about to make its workspace anew, with the same ports.
  const asked = { mayGo: () => Promise.resolve(isGone(home, of)), gone: () => ports.free(owner) };
  return (await remove(of.project, of.task, asked)) === 'removed';
}

/** Of an owner that this version does not know nothing is known. */
function isGone(home: string, of: PortOwner | null): boolean {
  if (of === null) return false;
  const folder = of.kind === 'task' ? join('workspaces', of.project, of.task) : join('gates', of.origin, of.number);
  return !existsSync(join(home, folder));
}
