/** Tries what the engine needs of an origin, changing nothing: for tasks doctor. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '../core/ids.ts';
import type { Target } from '../core/queue-types.ts';
import { oneLine } from '../core/text.ts';
import { makeTemporary } from '../files/temporary.ts';
import { GitError, lastLines } from './command.ts';
import type { Git } from './git.ts';
import { isShallowFolder } from './local-origin.ts';
import { ENGINE, writeCommit, writeTree } from './objects.ts';
import { listRemote, shallowOrigin, untrustedOrigin, type Problem } from './origin.ts';
import { whyUnreached, type Unreached } from './outage.ts';
import { bareConfiguration, writeRepository } from './write-repository.ts';

type Probe =
  | { readonly kind: 'ok'; readonly tip: ObjectId | null }
  | { readonly kind: 'failed'; readonly why: Unreached; readonly message: string; readonly next?: string };

export interface OriginProbe {
  /** Listing the branch; `tip` is null when the origin has no such branch. */
  readonly fetch: Probe;
  /** Why nothing can be fetched of an origin that answers: known of one on this host. */
  readonly lacks: Problem | null;
  /** A push that is only pretended. It cannot tell whether the branch is protected. */
  readonly push: Probe;
}

export async function probeWith(git: Git, target: Target): Promise<OriginProbe> {
  const folder = makeTemporary('tributary-probe-');
  const gitDir = join(folder, 'repository');
  try {
    await writeRepository(gitDir, 'none', bareConfiguration());
    const ref = `refs/heads/${target.branch}`;
    const fetch = await attempt(
      target,
      async () => (await listRemote(git, gitDir, target.origin, [ref])).get(ref) ?? null,
    );
    // An origin takes only what is named by its own hash.
    const algorithm = fetch.kind === 'ok' && fetch.tip?.length === 64 ? 'sha256' : 'sha1';
    const pushed = join(folder, 'pushed');
    const push = await attempt(target, async () => {
      await writeRepository(pushed, 'none', bareConfiguration(algorithm));
      const store = { folder: join(pushed, 'objects'), algorithm } as const;
      const tree = await writeTree(store, []);
      const commit = await writeCommit(store, { tree, parents: [], author: ENGINE, seconds: 0, message: 'probe' });
      await git.network(
        ['push', '--dry-run', '--porcelain', '--no-verify', '--', target.origin, `${commit}:refs/tasks/probe/0/head`],
        { gitDir: pushed },
      );
      return commit;
    });
    const lacks = (await isShallowFolder(git, target.origin)) ? shallowOrigin(target.origin) : null;
    return { fetch, lacks, push: push.kind === 'ok' ? { kind: 'ok', tip: null } : push };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function attempt({ origin }: Target, work: () => Promise<ObjectId | null>): Promise<Probe> {
  try {
    return { kind: 'ok', tip: await work() };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const why = whyUnreached(error);
    const untrusted = untrustedOrigin(error, origin);
    if (untrusted !== null) return { kind: 'failed', why, message: untrusted.message, next: untrusted.next };
    return {
      kind: 'failed',
      why,
      message: oneLine(lastLines(error.stderr, 2) || error.message, 300),
    };
  }
}
