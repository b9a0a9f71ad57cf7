/** What a task has on a host beside its workspace, and how it goes with it. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectName, TaskId } from '../core/ids.ts';
import { parsePortOwner, portOwners } from '../core/ports.ts';
import type { GitRoom } from '../git/types.ts';
import { dropHibernated } from '../local/hibernated.ts';
import type { PortLeases } from '../local/port-leases.ts';

interface Left {
  readonly home: string;
  readonly ports: Pick<PortLeases, 'free' | 'list'>;
}

/** Removes the home and temporary files of its processes, its lease of ports, and the note that it was hibernated. */
export async function removeLeft({ home, ports }: Left, project: ProjectName, taskId: TaskId): Promise<void> {
  const scratch = join(home, 'scratch', project, taskId);
  for (const folder of [scratch, `${scratch}.tmp`]) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  await ports.free(portOwners.task(project, taskId));
  await dropHibernated(home, taskId);
}

/** Frees what was leased for workspaces that are there no more: a worker died between their removal and that. */
export async function freeStalePorts({
  git,
  home,
  ports,
}: Left & { readonly git: Pick<GitRoom, 'removeUnused'> }): Promise<void> {
  for (const { owner } of await ports.list()) {
    const of = parsePortOwner(owner);
    if (of?.kind === 'gate' && !existsSync(join(home, 'gates', of.origin, of.number))) await ports.free(owner);
    if (of?.kind !== 'task') continue;
    const isGone = (): boolean => !existsSync(join(home, 'workspaces', of.project, of.task));
    if (!isGone()) continue;
    // An attempt may be about to make it anew, with the same ports.
    const asked = { mayGo: () => Promise.resolve(isGone()), gone: () => ports.free(owner) };
    await git.removeUnused(of.project, of.task, asked);
  }
}
