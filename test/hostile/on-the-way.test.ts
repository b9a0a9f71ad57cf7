/** Agents that change what lies in the way while the engine looks at their worktree. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bareOrigin, commitFiles, git, newRoom, prepared, taskId, write } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const ROUNDS = 25;
/** On a busy machine there are fewer rounds: all are to be while the agent still swaps. */
const ROUNDS_MS = 60_000;
const SECRET = 'what only the host may read';

/** Puts one thing and another in the same place, in turns, as fast as it can. */
const SWAP = `
const { renameSync } = require('node:fs');
const [place, one, other] = process.argv.slice(1);
const until = Date.now() + 120_000;
process.stdout.write('swapping');
while (Date.now() < until) {
  renameSync(place, place + '.aside'); renameSync(one, place); renameSync(place, one); renameSync(place + '.aside', place);
  renameSync(place, place + '.aside'); renameSync(other, place); renameSync(place, other); renameSync(place + '.aside', place);
}`;

function* rounds(): Generator<number> {
  const untilMs = performance.now() + ROUNDS_MS;
  for (let round = 0; round < ROUNDS && performance.now() < untilMs; round += 1) yield round;
}

describe('an agent that swaps, while its work is stored on the way,', () => {
  let swapping: ChildProcess | null = null;

  afterEach(async () => {
    if (swapping === null || swapping.exitCode !== null) return;
    const ended = once(swapping, 'exit');
    swapping.kill('SIGKILL');
    await ended;
  });

  const swap = async (...paths: readonly [string, string, string]): Promise<void> => {
    swapping = spawn(process.execPath, ['-e', SWAP, ...paths], { stdio: ['ignore', 'pipe', 'ignore'] });
    const { stdout } = swapping;
    if (stdout !== null) await once(stdout, 'data');
  };

  it('a folder for a link gets nothing of what the link leads to', async () => {
    const { target, origin } = await bareOrigin({ 'dir/f': 'mine\n' });
    const { room } = await newRoom();
    const elsewhere = await tempFolder('elsewhere');
    await write(elsewhere, { f: SECRET, g: SECRET, 'h/f': SECRET });
    const workspace = await prepared(room, target);
    const { worktree, taskDir } = workspace;
    await write(worktree, { 'dir/f': 'changed\n', 'dir/g': 'new\n', 'dir/h/f': 'new\n' });
    await write(taskDir, { 'outputs/f': 'mine' });
    const aside = await tempFolder('aside');
    await symlink(elsewhere, join(aside, 'link'));
    await mkdir(join(aside, 'folder'));
    await writeFile(join(aside, 'folder/f'), 'another\n');
    await swap(join(worktree, 'dir'), join(aside, 'link'), join(aside, 'folder'));
    let stored = 0;
    for (const round of rounds()) {
      await write(worktree, { round: String(round) });
      const request = { project: target.project, origin, workspace, attempt: 1 };
      if ((await room.storeUnfinished(request)).kind === 'stored') stored += 1;
    }
    expect(stored).toBeGreaterThan(0);
    expect(swapping?.exitCode).toBeNull();
    // Every object that the origin has got, whether a ref still names it or not.
    const ids = (await git(origin, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname) %(objecttype)'))
      .split('\n')
      .filter((line) => line.endsWith(' blob'))
      .map((line) => line.split(' ')[0] ?? '');
    for (const id of ids) expect(await git(origin, 'cat-file', 'blob', id)).not.toContain(SECRET);
  });

  it('a folder for a repository of its own has nothing of it run', async () => {
    const { target, origin } = await bareOrigin({ 'dir/f': 'mine\n' });
    const { room } = await newRoom();
    const aside = await tempFolder('aside');
    const marker = join(aside, 'ran');
    const script = join(aside, 'evil.sh');
    await writeFile(script, `#!/bin/sh\ntouch '${marker}'\ncat\n`);
    await chmod(script, 0o755);
    const workspace = await prepared(room, target);
    const nested = join(aside, 'repository');
    await mkdir(nested);
    await git(nested, 'init', '-q');
    await commitFiles(nested, { '.gitattributes': '* filter=evil\n', f: 'x' });
    for (const key of ['filter.evil.clean', 'core.fsmonitor', 'core.sshCommand'])
      await git(nested, 'config', key, script);
    await write(nested, { f: 'y' });
    await mkdir(join(aside, 'folder'));
    await rm(marker, { force: true });
    await swap(join(workspace.worktree, 'dir'), nested, join(aside, 'folder'));
    for (const round of rounds()) {
      await write(workspace.worktree, { round: String(round) });
      await room.storeUnfinished({ project: target.project, origin, workspace, attempt: 1 });
    }
    expect(swapping?.exitCode).toBeNull();
    expect(existsSync(marker)).toBe(false);
    expect(await git(origin, 'ls-tree', '-r', `refs/tasks/${taskId}/1/work`)).not.toContain('160000');
  });
});
