/** What a workspace gets of this host's checkout, by .worktreeinclude; and what of it must not leave it again (N10). */

import { scanFor, secretsIn } from '../core/included.ts';
import { quote } from '../core/ids.ts';
import type { Secret } from '../core/secrets.ts';
import type { TaskSpec } from '../core/task-types.ts';
import type { Scan, Workspace } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';

export interface Included {
  /** To be taken out of what the attempt prints. */
  readonly secrets: readonly Secret[];
  readonly scan: Scan;
  /** For people: what was not copied, and why. */
  readonly notes: readonly string[];
}

const MAX_NAMED = 5;
const NOTHING: Included = { secrets: [], scan: () => [], notes: [] };

export async function includeFiles(
  deps: Pick<Dependencies, 'git' | 'checkoutOf' | 'hostId' | 'log'>,
  { project, origin, id }: TaskSpec,
  workspace: Workspace,
): Promise<Included> {
  const checkout = deps.checkoutOf(project);
  const result = await deps.git.includeFiles({ project, origin, workspace, checkout });
  switch (result.kind) {
    case 'none':
      return NOTHING;
    case 'no-checkout':
      return note(`host ${deps.hostId} has no checkout of ${project} (checkouts: in its host.yaml)`);
    case 'failed':
      return note(result.message);
    case 'done': {
      const { copied, left, texts } = result;
      if (copied > 0) deps.log('copied files of the checkout into a workspace', { taskId: id, copied });
      const named = left.slice(0, MAX_NAMED).map(({ path, why }) => `${quote(path)} (${why})`);
      const more = left.length > MAX_NAMED ? ` and ${left.length - MAX_NAMED} more` : '';
      const notes = left.length === 0 ? [] : note(`${named.join(', ')}${more}`).notes;
      return { secrets: secretsIn(texts), scan: scanFor(texts), notes };
    }
  }
}

function note(why: string): Included {
  return { ...NOTHING, notes: [`not copied by .worktreeinclude: ${why}`] };
}
