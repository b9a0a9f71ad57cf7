/** Gate worktrees: exactly the candidate, clean between runs, kept set-up. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from '../../src/core/queue-types.ts';
import type { ReadGate } from '../../src/git/types.ts';
import { bareOrigin, built, git, newRoom, otherTaskId, TASKS_YAML, taskId, worked, write } from '../support/git-rig.ts';

const FILES = {
  '.gitignore': 'node_modules/\ndist/\n*.log\n',
  'package-lock.json': '{}\n',
  'src/kept.txt': 'kept\n',
  'tasks.yaml': TASKS_YAML,
};

function gateWith(setup: string | null): ReadGate {
  return () => ({
    kind: 'ok',
    gate: { setup, commands: [{ name: 'gate', run: 'true', timeoutMs: 1 }], hash: 'e'.repeat(64) },
  });
}

async function candidates(): Promise<{
  open: (
    candidate: Candidate,
    second?: boolean,
  ) => ReturnType<Awaited<ReturnType<typeof newRoom>>['room']['gateWorktree']>;
  build: (setup: string | null, second?: boolean) => Promise<Candidate>;
  home: string;
}> {
  const { target } = await bareOrigin(FILES);
  const { room, home } = await newRoom();
  const one = await worked(room, target, { 'a.txt': 'a\n' });
  const two = await worked(room, target, { 'b.txt': 'b\n', 'package-lock.json': '{"changed":1}\n' }, otherTaskId);
  return {
    home,
    open: (candidate, second = false) => room.gateWorktree(target, second ? two : one, candidate),
    build: async (setup, second = false) => {
      const result = await room.buildCandidate(target, second ? two : one, gateWith(setup));
      if (result.kind !== 'candidate') throw new Error(result.kind);
      return result.candidate;
    },
  };
}

describe('a gate worktree', () => {
  it('is detached at the candidate, with exactly its files', async () => {
    const { build, open } = await candidates();
    const candidate = await build(null);
    const gate = await open(candidate);
    expect(await git(gate.path, 'rev-parse', 'HEAD', 'HEAD^{tree}')).toBe(`${candidate.commit}\n${candidate.tree}`);
    expect(await git(gate.path, 'status', '--porcelain', '--ignored')).toBe('');
    await gate.release();
  });

  it('is handed out again after its lock could not be looked at', async () => {
    const { build, open, home } = await candidates();
    const candidate = await build(null);
    const first = await open(candidate);
    await first.release();
    const lock = `${first.path}.lock`;
    await mkdir(lock);
    await expect(open(candidate)).rejects.toThrow('EISDIR');
    await rm(lock, { recursive: true });
    const again = await open(candidate);
    expect(again.path.slice(home.length)).toBe(first.path.slice(home.length));
    await again.release();
  });

  it('is cleaned of what the last run changed, made and ignored', async () => {
    const { build, open } = await candidates();
    const one = await open(await build(null));
    await write(one.path, { 'a.txt': 'changed by the gate\n', 'junk/x': 'x', 'dist/out.js': 'x', 'y.log': 'y' });
    await mkdir(join(one.path, 'empty/folder'), { recursive: true });
    execFileSync('mkfifo', [join(one.path, 'pipe')]);
    await mkdir(join(one.path, 'src/.git'));
    await git(one.path, 'update-index', '--assume-unchanged', 'a.txt');
    await one.release();
    const two = await open(await build(null, true), true);
    expect(two.path).toBe(one.path);
    expect(await git(two.path, 'ls-files')).toBe('.gitignore\nb.txt\npackage-lock.json\nsrc/kept.txt\ntasks.yaml');
    for (const name of ['a.txt', 'junk', 'dist', 'y.log', 'empty', 'pipe', 'src/.git'])
      expect(existsSync(join(two.path, name))).toBe(false);
    await two.release();
  });

  it('has nothing in the folder that git has for it but what makes it a worktree, whatever the last run has left there', async () => {
    const { build, open } = await candidates();
    const candidate = await build(null);
    const one = await open(candidate);
    const folder = await git(one.path, 'rev-parse', '--absolute-git-dir');
    await write(folder, { large: 'x', 'refs/bisect/bad': 'x', 'rebase-merge/done': 'x' });
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), 'x');
    await chmod(folder, 0o000);
    await one.release();
    const two = await open(candidate);
    expect(await git(two.path, 'rev-parse', '--absolute-git-dir')).toBe(folder);
    expect(((await stat(folder)).mode & 0o700).toString(8)).toBe('700');
    expect((await readdir(folder)).toSorted()).toEqual(['HEAD', 'commondir', 'gitdir', 'index']);
    await two.release();
  });

  it('is made anew where it cannot be made what the candidate is', async () => {
    const { build, open } = await candidates();
    const candidate = await build(null);
    const one = await open(candidate);
    await one.release();
    await rm(`${one.path}.desk`, { recursive: true });
    await writeFile(`${one.path}.desk`, 'in the way\n');
    await chmod(one.path, 0o000);
    const two = await open(candidate);
    expect(two.path).toBe(one.path);
    expect(await git(two.path, 'rev-parse', 'HEAD')).toBe(candidate.commit);
    expect(await readFile(join(two.path, 'a.txt'), 'utf8')).toBe('a\n');
    await two.release();
  });

  it("has the candidate's files as they are after a set-up of its own, whatever that has made of them", async () => {
    const { build, open } = await candidates();
    const gate = await open(await build('npm install', true), true);
    expect(gate.isOnMain()).toBe(false);
    await write(gate.path, { 'package-lock.json': 'written anew\n', 'node_modules/x': 'x' });
    await rm(join(gate.path, 'b.txt'));
    await gate.markSetUp();
    expect(await readFile(join(gate.path, 'b.txt'), 'utf8')).toBe('b\n');
    expect(await git(gate.path, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(gate.path, 'node_modules/x'))).toBe(true);
    await gate.release();
  });

  it('is cleaned of all that a set-up of its own has left when that was cut off', async () => {
    const { build, open } = await candidates();
    const candidate = await build('npm ci');
    const cutOff = await open(candidate);
    await write(cutOff.path, { 'node_modules/half': 'x' });
    await cutOff.release();
    const one = await open(candidate);
    expect(one.needsSetup).toBe(true);
    expect(existsSync(join(one.path, 'node_modules/half'))).toBe(false);
    await one.release();
  });

  it('gives each run its own, and mends one whose files or locks are broken', async () => {
    const { build, open, home } = await candidates();
    const candidate = await build(null);
    const [one, two] = await Promise.all([open(candidate), open(candidate)]);
    expect(one.path).not.toBe(two.path);
    const admin = await git(one.path, 'rev-parse', '--absolute-git-dir');
    await writeFile(join(admin, 'index.lock'), '');
    await writeFile(`${one.path}.index`, 'broken');
    await one.release();
    await two.release();
    await rm(join(two.path, '.git'));
    const [again, other] = await Promise.all([open(candidate), open(candidate)]);
    for (const gate of [again, other]) {
      expect(await readFile(join(gate.path, 'a.txt'), 'utf8')).toBe('a\n');
      expect(await git(gate.path, 'status', '--porcelain')).toBe('');
      await gate.release();
    }
    expect(existsSync(join(home, 'gates'))).toBe(true);
  });

  it('takes over the lease of a worker that died', async () => {
    const { build, open } = await candidates();
    const candidate = await build(null);
    const one = await open(candidate);
    await one.release();
    await writeFile(`${one.path}.lock`, '999999999 1');
    const two = await open(candidate);
    expect(two.path).toBe(one.path);
    await two.release();
  });

  it('is made on another host, and refused for a candidate that is not what it says', async () => {
    const { target } = await bareOrigin(FILES);
    const one = await newRoom();
    const two = await newRoom();
    const item = await worked(one.room, target, { 'a.txt': 'a\n' });
    const candidate = await built(one.room, target, item);
    const gate = await two.room.gateWorktree(target, item, candidate);
    expect(await readFile(join(gate.path, 'a.txt'), 'utf8')).toBe('a\n');
    await gate.release();
    const lie = { ...candidate, tree: item.head };
    await expect(two.room.gateWorktree(target, item, lie)).rejects.toThrow('comes out differently');
    expect(taskId).not.toBe(otherTaskId);
  });
});
