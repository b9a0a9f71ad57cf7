/**
 * What this host's workspaces take of the disk, measured once after each time that one was used, and kept beside it: nothing
 * changes in one that nobody is at work in.
 *
 * It owns what it remembers of sizes, and the file `size.json` of each workspace. A look measures a few at the most; what was
 * not measured yet counts as nothing.
 */

import { statSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProjectName, TaskId } from '../core/ids.ts';
import { isRecord } from '../core/text.ts';
import { bytesBelow } from '../files/sizes.ts';

const MEASURED_A_LOOK = 10;
/** One that was used a moment ago may be in use. */
const RESTED_MS = 5_000;

export interface SizedWorkspace {
  readonly project: ProjectName;
  readonly taskId: TaskId;
  /** When an attempt began in it or was stored, in milliseconds since the epoch. */
  readonly usedMs: number;
  /** Null: not measured since. */
  readonly bytes: number | null;
}

interface Size {
  readonly usedMs: number;
  readonly bytes: number;
}

export class WorkspaceSizes {
  readonly #home: string;
  readonly #sizes = new Map<TaskId, Size>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Those that are given, the one that rested longest first; with sizes only when they are asked for. */
  async of(
    workspaces: readonly { readonly project: ProjectName; readonly taskId: TaskId }[],
    withSizes: boolean,
    signal: AbortSignal,
  ): Promise<readonly SizedWorkspace[]> {
    const there = new Set(workspaces.map(({ taskId }) => taskId));
    for (const id of this.#sizes.keys()) if (!there.has(id)) this.#sizes.delete(id);
    const sized: SizedWorkspace[] = [];
    let left = MEASURED_A_LOOK;
    for (const { project, taskId } of workspaces) {
      const folder = join(this.#home, 'workspaces', project, taskId);
      const usedMs = usedMsOf(folder);
      let bytes = withSizes ? await this.#known(taskId, folder, usedMs) : null;
      if (withSizes && bytes === null && left > 0 && Date.now() - usedMs >= RESTED_MS) {
        left -= 1;
        bytes = await this.#measure(taskId, folder, usedMs, signal);
      }
      sized.push({ project, taskId, usedMs, bytes });
    }
    return sized.toSorted((one, other) => one.usedMs - other.usedMs);
  }

  async #known(taskId: TaskId, folder: string, usedMs: number): Promise<number | null> {
    const size = this.#sizes.get(taskId) ?? (await readSize(folder));
    if (size === null) return null;
    this.#sizes.set(taskId, size);
    return size.usedMs === usedMs ? size.bytes : null;
  }

  async #measure(taskId: TaskId, folder: string, usedMs: number, signal: AbortSignal): Promise<number | null> {
    const bytes = await bytesBelow([folder], { signal });
    if (signal.aborted) return null;
    const size: Size = { usedMs, bytes };
    this.#sizes.set(taskId, size);
    const draft = join(folder, `size.json.${process.pid}`);
    // The workspace may be gone by now; then there is nothing to keep either.
    await writeFile(draft, JSON.stringify(size), { mode: 0o600 })
      .then(() => rename(draft, join(folder, 'size.json')))
      .catch(() => undefined);
    return bytes;
  }
}

/** An attempt's begin and its storing write the workspace's state. */
function usedMsOf(folder: string): number {
  for (const path of [join(folder, 'state.json'), folder]) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined) return Math.round(stats.mtimeMs);
  }
  return 0;
}

async function readSize(folder: string): Promise<Size | null> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, 'size.json'), 'utf8'));
    if (!isRecord(value)) return null;
    const { usedMs, bytes } = value;
    return typeof usedMs === 'number' && typeof bytes === 'number' ? { usedMs, bytes } : null;
  } catch {
    return null;
  }
}
