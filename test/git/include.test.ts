/** Files that a workspace gets of a checkout: those that .worktreeinclude names and git ignores, as data. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitRoom, IncludeResult, Workspace } from '../../src/git/types.ts';
import type { Target } from '../../src/core/queue-types.ts';
import {
  bareOrigin,
  checkedOutOrigin,
  commitFiles,
  git,
  newRoom,
  prepared,
  project,
  TASKS_YAML,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const IGNORE = '.env*\n!.env.example\nsecret/\ncache/\nlinked\n';
const FILES = { '.gitignore': IGNORE, 'a.txt': 'one\n', 'tasks.yaml': TASKS_YAML, '.env.example': 'KEY=\n' };

const include = (
  room: GitRoom,
  target: Target,
  workspace: Workspace,
  checkout: string | null = null,
): Promise<IncludeResult> => room.includeFiles({ project, origin: target.origin, workspace, checkout });
const text = (workspace: Workspace, path: string): Promise<string> => readFile(join(workspace.worktree, path), 'utf8');

/** A checkout that is its own origin, with a workspace of it. */
async function rig(patterns: string, files: Readonly<Record<string, string>>) {
  const { origin, target } = await checkedOutOrigin(FILES);
  await write(origin, { '.worktreeinclude': patterns, ...files });
  const { room } = await newRoom();
  return { origin, target, room, workspace: await prepared(room, target) };
}

describe('a fresh workspace', () => {
  it('gets what the patterns name and git ignores in the checkout, and nothing else', async () => {
    const { target, room, workspace } = await rig('.env*\n!.env.skip\n**/secret/\na.txt\nuntracked\n', {
      '.env': 'KEY=1\n',
      '.env.skip': 'no',
      'app/.env.local': 'KEY=2\n',
      'app/secret/deep/key': 'three',
      'cache/large': 'no',
      untracked: 'no',
      'a.txt': 'changed\n',
      '.env.example': 'changed\n',
    });
    expect(await include(room, target, workspace)).toMatchObject({ kind: 'done', copied: 3, left: [] });
    expect(await text(workspace, '.env')).toBe('KEY=1\n');
    expect(await text(workspace, 'app/.env.local')).toBe('KEY=2\n');
    expect(await text(workspace, 'app/secret/deep/key')).toBe('three');
    expect(await text(workspace, 'a.txt')).toBe('one\n');
    expect(await text(workspace, '.env.example')).toBe('KEY=\n');
    for (const path of ['.env.skip', 'cache', 'untracked']) {
      expect(existsSync(join(workspace.worktree, path))).toBe(false);
    }
    expect(await git(workspace.worktree, 'status', '--porcelain')).toBe('');
  });

  it('gets it once, keeps what an agent made of it, and gets it again when it is made anew', async () => {
    const { origin, target, room, workspace } = await rig('.env\n', { '.env': 'KEY=1\n' });
    await include(room, target, workspace);
    await write(workspace.worktree, { '.env': 'KEY=agent\n' });
    await write(origin, { '.env': 'KEY=2\n' });
    const again = await prepared(room, target, 2);
    expect(await include(room, target, again)).toEqual({
      kind: 'done',
      copied: 0,
      left: [],
      texts: [{ path: '.env', text: 'KEY=1\n' }],
    });
    expect(await text(again, '.env')).toBe('KEY=agent\n');
    await rm(again.worktree, { recursive: true });
    const anew = await prepared(room, target, 3);
    expect(await include(room, target, anew)).toMatchObject({ copied: 1, texts: [{ text: 'KEY=2\n' }] });
    expect(await text(anew, '.env')).toBe('KEY=2\n');
  });

  it('gets it once more when what was noted of that is not whole', async () => {
    const { target, room, workspace } = await rig('.env\n', { '.env': 'KEY=1\n' });
    await include(room, target, workspace);
    const note = join(workspace.worktree, '../included.json');
    const { worktree } = JSON.parse(await readFile(note, 'utf8')) as { readonly worktree: string };
    for (const noted of ['{', 'null', { worktree }, { worktree, texts: [{ path: '.env' }] }]) {
      await writeFile(note, typeof noted === 'string' ? noted : JSON.stringify(noted));
      const texts = [{ path: '.env', text: 'KEY=1\n' }];
      expect(await include(room, target, workspace)).toEqual({ kind: 'done', copied: 0, left: [], texts });
    }
  });

  it('gets files as they are: their bytes and whether they can be run, and no text of what is none', async () => {
    const { origin, target, room, workspace } = await rig('.env*\n', { '.env.tool': '#!/bin/sh\n' });
    await chmod(join(origin, '.env.tool'), 0o700);
    const bytes = Buffer.from([0, 255, 10, 13]);
    await writeFile(join(origin, '.env.bin'), bytes);
    expect(await include(room, target, workspace)).toMatchObject({
      copied: 2,
      texts: [{ path: '.env.tool', text: '#!/bin/sh\n' }],
    });
    expect((await stat(join(workspace.worktree, '.env.tool'))).mode & 0o100).toBe(0o100);
    expect(await readFile(join(workspace.worktree, '.env.bin'))).toEqual(bytes);
  });

  it("gets nothing that the task's own .gitignore does not ignore: it would be committed", async () => {
    const { origin, target, room, workspace } = await rig('.env\nlocal\n', { '.env': 'KEY=1\n', local: 'x' });
    await writeFile(join(origin, '.git/info/exclude'), 'local\n');
    expect(await include(room, target, workspace)).toMatchObject({
      copied: 1,
      left: [{ path: 'local', why: "the task's .gitignore does not ignore it" }],
    });
    expect(existsSync(join(workspace.worktree, 'local'))).toBe(false);
  });

  it('says so when this host has no checkout, and nothing when there is nothing to copy', async () => {
    const { target, person } = await bareOrigin(FILES);
    const { room } = await newRoom();
    expect(await include(room, target, await prepared(room, target))).toEqual({ kind: 'none' });
    await commitFiles(person, { '.worktreeinclude': '.env\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    const workspace = await prepared(room, target, 2);
    expect(await include(room, target, workspace)).toEqual({ kind: 'no-checkout' });
    const nowhere = join(await tempFolder('empty'), 'x');
    expect(await include(room, target, workspace, nowhere)).toEqual({
      kind: 'failed',
      message: `${nowhere} is no checkout`,
    });
    await write(person, { '.env': 'KEY=1\n' });
    expect(await include(room, target, workspace, person)).toMatchObject({ kind: 'done', copied: 1 });
  });
});

describe('what is copied', () => {
  it('is never behind a link of the checkout, nor a repository of its own', async () => {
    const { origin, target, room, workspace } = await rig('secret/\nlinked\n.env\n', { 'secret/own': 'x' });
    const outside = await tempFolder('outside');
    await write(outside, { key: 'precious', 'folder/key': 'precious' });
    await symlink(join(outside, 'key'), join(origin, 'linked'));
    await symlink(join(outside, 'folder'), join(origin, 'secret/folder'));
    await mkdir(join(origin, 'secret/repository'));
    await git(join(origin, 'secret/repository'), 'init', '-q');
    await write(join(origin, 'secret/repository'), { key: 'x' });
    const result = await include(room, target, workspace);
    expect(result).toMatchObject({ copied: 1, left: [{ path: 'linked' }, { path: 'secret/folder' }] });
    expect(existsSync(join(workspace.worktree, 'linked'))).toBe(false);
    expect(existsSync(join(workspace.worktree, 'secret/folder'))).toBe(false);
    expect(existsSync(join(workspace.worktree, 'secret/repository'))).toBe(false);
  });

  it('is never written through a link of the task', async () => {
    const outside = await tempFolder('outside');
    const { origin, target } = await checkedOutOrigin(FILES);
    await symlink(outside, join(origin, 'app'));
    await commitFiles(origin, {}, 'a link');
    await rm(join(origin, 'app'));
    await write(origin, { '.worktreeinclude': '.env\n', 'app/.env': 'KEY=1\n' });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const result = await include(room, target, workspace);
    expect(result).toMatchObject({ copied: 0, left: [{ path: 'app/.env', why: expect.stringContaining('a link') }] });
    expect(existsSync(join(outside, '.env'))).toBe(false);
  });

  it('is bounded: a file that is too large stays, and the others come', async () => {
    const { origin, target, room, workspace } = await rig('.env*\n', { '.env': 'KEY=1\n', '.env.large': '' });
    await truncate(join(origin, '.env.large'), 17 * 1024 * 1024);
    expect(await include(room, target, workspace)).toMatchObject({
      copied: 1,
      left: [{ path: '.env.large', why: 'too large, or one too many' }],
    });
  });

  it('does not depend on a .worktreeinclude that is a link, and on hooks and fsmonitor of the checkout', async () => {
    const { origin, target, room, workspace } = await rig('', { '.env': 'KEY=1\n' });
    const marker = join(await tempFolder('marker'), 'ran');
    await git(origin, 'config', 'core.fsmonitor', `touch ${marker}; false`);
    const outside = join(await tempFolder('outside'), 'patterns');
    await writeFile(outside, '.env\n');
    await rm(join(origin, '.worktreeinclude'));
    await symlink(outside, join(origin, '.worktreeinclude'));
    expect(await include(room, target, workspace)).toEqual({ kind: 'none' });
    await rm(join(origin, '.worktreeinclude'));
    await write(origin, { '.worktreeinclude': '.env\n' });
    expect(await include(room, target, workspace)).toMatchObject({ copied: 1 });
    expect(existsSync(marker)).toBe(false);
  });
});
