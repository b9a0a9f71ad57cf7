/** Everything that a host and its origins have of tasks, each with what becomes of it and why: for `tasks gc`. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { judgeHome, judgeRefs, judgeRemade, judgeWorkspace, type TaskFacts, type Verdict } from '../../core/gc.ts';
import { parseProjectName, type ProjectName, type TaskId } from '../../core/ids.ts';
import { parsePortOwner } from '../../core/ports.ts';
import { removeWhole } from '../../files/remove.ts';
import { listTrash } from '../../files/trash.ts';
import type { GitRoom } from '../../git/room.ts';
import { listSpool, removeEmptySpool } from '../../ledger/spool-folder.ts';
import { freeStalePorts, listStalePorts, removeLeft } from '../../local/left-of-task.ts';
import type { PortLeases } from '../../local/port-leases.ts';
import { listScratch, type ScratchHome } from '../../local/scratch.ts';

export type ItemKind =
  | 'refs'
  | 'workspace'
  | 'home'
  | 'scratch'
  | 'gate'
  | 'set-up'
  | 'landing'
  | 'mirror'
  | 'spool'
  | 'ports'
  | 'trash';

export interface Item extends Verdict {
  readonly kind: ItemKind;
  /** Below its kind, such as `shop/0123456789`. */
  readonly name: string;
  readonly task: TaskId | null;
  /** What of this host's disk goes with it. */
  readonly paths: readonly string[];
  /** Looks again, and removes it if that still holds; false when it does not, or somebody has it. */
  readonly remove: () => Promise<boolean>;
}

export interface Host {
  readonly home: string;
  readonly git: GitRoom;
  readonly ports: PortLeases;
  /** How long the workspace of a task stays that ended without landing, in milliseconds. */
  readonly keptMs: number;
  readonly facts: {
    of(id: TaskId): Promise<TaskFacts>;
    now(id: TaskId): Promise<TaskFacts>;
  };
  /** The origin of a project, by the ledger; null: it is not known. */
  readonly originOf: (project: ProjectName) => Promise<string | null>;
}

/** In the order in which they are to be removed: refs first, and what is made of something before that. */
export async function takeInventory(host: Host): Promise<readonly Item[]> {
  const spool = await listSpool(join(host.home, 'spool'));
  const isWorked = spool.some(({ pid }) => pid !== null);
  const scratch = await listScratch(host.home);
  return [
    ...(await refsOf(host)),
    ...(await workspacesOf(host, scratch)),
    ...scratch.filter(({ task }) => task === null).map((home) => scratchItem(home, isWorked)),
    ...(await storesOf(host, isWorked)),
    ...spool.map(({ name, pid, files }): Item => ({
      kind: 'spool',
      name,
      task: null,
      paths: [join(host.home, 'spool', name)],
      ...spoolVerdict(pid, files),
      remove: () => removeEmptySpool(join(host.home, 'spool'), name),
    })),
    ...(await portsOf(host)),
    ...(await listTrash(join(host.home, 'trash'))).map((path): Item => {
      const why = 'a removal that was cut off left it aside';
      const name = path.slice(join(host.home, 'trash').length + 1);
      const remove = (): Promise<boolean> => removeWhole(path).then(yes);
      return { kind: 'trash', name, task: null, paths: [path], verdict: 'remove', why, remove };
    }),
  ];
}

const yes = (): true => true;

/** Of the origins that this host has repositories of, and that the ledger can name. */
async function refsOf({ git, facts, originOf }: Host): Promise<readonly Item[]> {
  const stores = await git.listStores();
  const names = stores.map(({ origin }) => origin.replace(/-[0-9a-f]{12}$/, ''));
  const items: Item[] = [];
  for (const name of new Set(names)) {
    const project = parseProjectName(name);
    const origin = project.kind === 'ok' ? await originOf(project.value) : null;
    if (project.kind === 'invalid' || origin === null) {
      items.push(unknownRefs(name, 'the ledger does not say where its origin is'));
      continue;
    }
    const seen = await git.originTasks({ project: project.value, origin });
    if (seen.kind === 'failed') items.push(unknownRefs(name, seen.message));
    if (seen.kind !== 'tasks') continue;
    for (const task of seen.tasks) {
      const about = await facts.of(task);
      items.push({
        kind: 'refs',
        name: `${name}/${task}`,
        task,
        paths: [],
        ...judgeRefs(about),
        remove: async () => {
          const now = await facts.now(task);
          const view = 'view' in now ? now.view : null;
          if (judgeRefs(now).verdict === 'keep' || view === null) return false;
          await git.deleteTaskRefs(view, [task]);
          return true;
        },
      });
    }
  }
  return items;
}

function unknownRefs(name: string, why: string): Item {
  return { kind: 'refs', name, task: null, paths: [], verdict: 'keep', why, remove: () => Promise.resolve(false) };
}

/** A workspace goes with its home; a home alone, of a workspace that is hibernated or was elsewhere, by itself. */
async function workspacesOf(host: Host, scratch: readonly ScratchHome[]): Promise<readonly Item[]> {
  const { home, git, ports, facts, keptMs } = host;
  const judge = async (project: ProjectName, task: TaskId, about: TaskFacts): Promise<Verdict> => {
    const kept = { keptMs, nowMs: Date.now() };
    if (!existsSync(join(home, 'workspaces', project, task))) return judgeHome(about, kept);
    const stored = await git.storedCheckpoint(project, task);
    return judgeWorkspace(about, stored, await git.isWorkspaceUsed(task), kept);
  };
  const remover = (project: ProjectName, task: TaskId) => async (): Promise<boolean> => {
    const went = await git.removeUnused(project, task, {
      // By then nobody is at work in it, whatever it was before.
      mayGo: async () => (await judge(project, task, await facts.now(task))).verdict === 'remove',
      gone: () => removeLeft({ home, ports }, project, task),
    });
    return went === 'removed';
  };
  const items: Item[] = [];
  const workspaces = await git.listWorkspaces();
  const removers = new Map<TaskId, () => Promise<boolean>>();
  for (const { project, taskId: task } of workspaces) {
    const remove = once(remover(project, task));
    removers.set(task, remove);
    const verdict = await judge(project, task, await facts.of(task));
    const paths = [join(home, 'workspaces', project, task)];
    items.push({ kind: 'workspace', name: `${project}/${task}`, task, paths, ...verdict, remove });
  }
  for (const { project, task, path } of scratch) {
    if (task === null) continue;
    const verdict = await judge(project, task, await facts.of(task));
    const remove = removers.get(task) ?? remover(project, task);
    items.push({ kind: 'home', name: `${project}/${task}`, task, paths: [path, `${path}.tmp`], ...verdict, remove });
  }
  return items;
}

/** A workspace and its home go at once. */
function once(work: () => Promise<boolean>): () => Promise<boolean> {
  let done: Promise<boolean> | null = null;
  return () => (done ??= work());
}

function scratchItem(home: ScratchHome, isWorked: boolean): Item {
  const { project, name, path, usedMs } = home;
  const verdict = judgeRemade({ kind: 'scratch', usedMs, tasks: 0, isLeased: false }, isWorked, Date.now());
  const paths = [path, `${path}.tmp`];
  const remove = (): Promise<boolean> => Promise.all(paths.map(removeWhole)).then(yes);
  return { kind: 'scratch', name: `${project}/${name}`, task: null, paths, ...verdict, remove };
}

async function storesOf({ git }: Host, isWorked: boolean): Promise<readonly Item[]> {
  const order: readonly ItemKind[] = ['gate', 'set-up', 'landing', 'mirror'];
  const stores = (await git.listStores()).toSorted((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
  return stores.map((store): Item => {
    const { kind, origin, name } = store;
    const shown = kind === 'mirror' || kind === 'landing' ? origin : `${origin}/${name}`;
    const verdict = judgeRemade(store, isWorked, Date.now());
    const { paths } = store;
    return { kind, name: shown, task: null, paths, ...verdict, remove: () => git.removeStore(store) };
  });
}

function spoolVerdict(pid: number | null, files: number): Verdict {
  if (pid !== null) return { verdict: 'keep', why: `the worker ${pid} ships it to the ledger` };
  if (files === 0) return { verdict: 'remove', why: 'it is empty, and its worker is gone' };
  return {
    verdict: 'keep',
    why: `the ledger does not have it yet: the next worker of this host ships it (${files} files)`,
  };
}

async function portsOf({ home, git, ports }: Host): Promise<readonly Item[]> {
  return (await listStalePorts({ home, ports })).map((owner): Item => {
    const of = parsePortOwner(owner);
    const remove = (): Promise<boolean> =>
      freeStalePorts({ home, ports }, owner, (project, id, asked) => git.removeUnused(project, id, asked));
    const task = of?.kind === 'task' ? of.task : null;
    return { kind: 'ports', name: owner, task, paths: [], verdict: 'remove', why: 'what leased them is gone', remove };
  });
}
