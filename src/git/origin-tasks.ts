/** Which tasks have refs on an origin that this host works with. */

import { join } from 'node:path';
import { parseTaskId, type TaskId } from '../core/ids.ts';
import { exists } from '../files/read.ts';
import type { Git } from './git.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { isUnreachable, listRemote, problemOf } from './origin.ts';
import { originKey, type OriginName } from './repository.ts';
import type { OriginTasks } from './types.ts';

export async function originTasks(git: Git, home: string, name: OriginName): Promise<OriginTasks> {
  const key = originKey(name);
  const folders = [join(home, 'landing', `${key}.git`), join(home, 'mirrors', `${key}.engine`)];
  const gitDir = (await exists(folders[0] ?? '')) ? folders[0] : folders[1];
  if (gitDir === undefined || !(await exists(gitDir))) return { kind: 'elsewhere' };
  try {
    const refs = await listRemote(git, gitDir, name.origin, ['refs/tasks/*']);
    const ids = [...refs.keys()].map((ref) => parseTaskId(ref.split('/')[2] ?? ''));
    return {
      kind: 'tasks',
      key,
      tasks: [...new Set(ids.flatMap((id): TaskId[] => (id.kind === 'ok' ? [id.value] : [])))],
    };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return { kind: 'failed', key, message: problemOf(error, name.origin)?.message ?? shownOrigin(name.origin) };
  }
}
