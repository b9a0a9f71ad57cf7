/** Pushes that the engine packs itself: the origin on this host decides about them as about any other. */

import { describe, expect, it } from '@jest/globals';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  bareOrigin,
  branch,
  built,
  checkedOutOrigin,
  commitFiles,
  git,
  head,
  itemOf,
  newRoom,
  prepared,
  project,
  stored,
  storeRequest,
  taskId,
  TASKS_YAML,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const notesRef = `refs/tasks/${taskId}/1/notes`;
const none = '0'.repeat(40);

async function hook(origin: string, name: string, script: string): Promise<void> {
  await write(origin, { [`hooks/${name}`]: `#!/bin/sh\n${script}\n` });
  await chmod(join(origin, 'hooks', name), 0o755);
}

describe('a push of known objects', () => {
  it.each(['sha1', 'sha256'])(
    'arrives whole and sound, with %s and however the origin takes packs in',
    async (format) => {
      const folder = await tempFolder('origin');
      const origin = join(folder, 'origin.git');
      const person = join(folder, 'person');
      await git(folder, 'init', '-q', '--bare', '-b', 'main', `--object-format=${format}`, origin);
      await git(folder, 'init', '-q', '-b', 'main', `--object-format=${format}`, person);
      await commitFiles(person, { 'tasks.yaml': TASKS_YAML });
      await git(person, 'push', '-q', origin, 'main');
      await git(origin, 'config', 'receive.fsckObjects', 'true');
      const target = { project, branch, origin: pathToFileURL(origin).href };
      const { room } = await newRoom();
      const contents = Array.from({ length: 40 }, (_, index) => [
        `outputs/${index % 5}/${index}`,
        'x'.repeat(index ** 3),
      ]);
      let checkpoint = null;
      for (const [attempt, limit] of [
        [1, '1'],
        [2, '1000'],
      ] as const) {
        await git(origin, 'config', 'receive.unpackLimit', limit);
        const workspace = await prepared(room, target, attempt);
        await write(workspace.taskDir, { ...Object.fromEntries(contents), 'plan.md': `${attempt}`, 'report.json': '' });
        checkpoint = await stored(room, target, workspace, attempt);
        const listed = await git(origin, 'ls-tree', '-r', '--name-only', `refs/tasks/${taskId}/${attempt}/notes`);
        expect(listed.split('\n')).toHaveLength(42);
      }
      expect(checkpoint).toMatchObject({ attempt: 2, changed: false });
      expect(await git(origin, 'show', `refs/tasks/${taskId}/2/notes:outputs/4/39`)).toHaveLength(39 ** 3);
      expect(await git(origin, 'fsck', '--strict', '--no-dangling')).toBe('');
    },
  );

  it('passes the hooks of the origin, which see each ref with its old value and none of the engine', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const log = join(await tempFolder('log'), 'log');
    await hook(origin, 'pre-receive', `sed "s/^/pre /" >> ${log}; env | grep -c GIT_CONFIG_KEY >> ${log}; true`);
    await hook(origin, 'post-receive', `sed "s/^/post /" >> ${log}`);
    const workspace = await prepared(room, target);
    await write(workspace.taskDir, { 'plan.md': 'plan' });
    await stored(room, target, workspace);
    const notes = await head(origin, notesRef);
    const pushed = `${none} ${notes} ${notesRef}\n`;
    expect(await readFile(log, 'utf8')).toBe(`pre ${pushed}0\npost ${pushed}`);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const item = itemOf(await stored(room, target, workspace));
    await hook(origin, 'pre-receive', `cat > ${log}`);
    await hook(origin, 'post-receive', 'true');
    const candidate = await built(room, target, item);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect((await readFile(log, 'utf8')).trim().split('\n').sort()).toEqual(
      [
        `${first} ${candidate.commit} refs/heads/main`,
        `${item.head} ${none} refs/tasks/${taskId}/1/head`,
        `${notes} ${none} ${notesRef}`,
      ].sort(),
    );
  });

  it('says what a hook that refuses notes has said, and leaves nothing there', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    await hook(origin, 'update', 'echo "no tasks here" >&2; exit 1');
    const workspace = await prepared(room, target);
    await write(workspace.taskDir, { 'plan.md': 'plan' });
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      kind: 'failed',
      failure: 'engine-error',
      message: expect.stringContaining('hook declined'),
    });
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
  });

  it('does not write over the notes of another host, and takes its own from an earlier try', async () => {
    const { target, origin } = await bareOrigin();
    const one = await newRoom();
    const two = await newRoom();
    const here = await prepared(one.room, target);
    const there = await prepared(two.room, target);
    await write(here.taskDir, { 'plan.md': 'here' });
    await write(there.taskDir, { 'plan.md': 'there' });
    await stored(one.room, target, here);
    expect(await two.room.storeWorkspace(storeRequest(target, there))).toMatchObject({ kind: 'failed' });
    expect(await git(origin, 'show', `${notesRef}:plan.md`)).toBe('here');
    await write(here.taskDir, { 'plan.md': 'here again' });
    await stored(one.room, target, here);
    expect(await git(origin, 'show', `${notesRef}:plan.md`)).toBe('here again');
  });

  it('leaves the files of a checked-out origin alone', async () => {
    const { target, origin, first } = await checkedOutOrigin();
    const { room } = await newRoom();
    await write(origin, { 'a.txt': 'a change of the person\n' });
    const workspace = await prepared(room, target);
    await write(workspace.taskDir, { 'plan.md': 'plan' });
    await stored(room, target, workspace);
    expect(await git(origin, 'show', `${notesRef}:plan.md`)).toBe('plan');
    expect(await git(origin, 'status', '--porcelain')).toBe('M a.txt');
    expect(await head(origin)).toBe(first);
  });

  it('lands nothing when main has moved meanwhile, and deletes nothing', async () => {
    const { target, origin, person } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await write(workspace.taskDir, { 'result.md': 'done' });
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    const main = await commitFiles(person, { 'c.txt': 'c\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.land(target, item, candidate)).toEqual({ kind: 'moved' });
    expect(await head(origin, 'main')).toBe(main);
    expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).toBe(
      `refs/tasks/${taskId}/1/head\n${notesRef}`,
    );
  });
});
