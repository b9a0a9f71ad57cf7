/** Candidates: what is built, returned, refused and waited for. */

import { describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '../../src/core/ids.ts';
import {
  bareOrigin,
  built,
  commitFiles,
  git,
  itemOf,
  newRoom,
  otherTaskId,
  readGate,
  taskId,
  worked,
} from '../support/git-rig.ts';

describe('building a candidate', () => {
  it('returns a conflict with the files, both sides and what landed since', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'a.txt': 'one\nTASK\nthree\n' });
    const main = await commitFiles(person, { 'a.txt': 'one\nMAIN\nthree\n' }, 'what landed');
    await git(person, 'push', '-q', 'origin', 'main');
    const result = await room.buildCandidate(target, item, readGate);
    expect(result).toMatchObject({
      kind: 'conflict',
      request: {
        kind: 'conflict',
        main,
        files: ['a.txt'],
        failedCommand: null,
        landedSince: [{ commit: main, title: 'what landed' }],
      },
    });
    if (result.kind !== 'conflict') throw new Error('no conflict');
    expect(result.request.evidence).toMatch(/MAIN\n={7}\nTASK/);
    expect(result.request.text).toContain('a.txt');
  });

  it('returns a conflict in files that are too large to be shown, and shows the others', async () => {
    const { target, person, first } = await bareOrigin();
    const commit = async (side: number): Promise<ObjectId> => {
      for (const name of ['one.bin', 'two.bin'])
        writeFileSync(join(person, name), Buffer.alloc(33 * 1024 * 1024, Buffer.from([side, 0])));
      return commitFiles(person, { 'a.txt': `${side}\n` });
    };
    const work = await commit(1);
    await git(person, 'push', '-q', 'origin', `${work}:refs/tasks/${taskId}/1/head`);
    await git(person, 'reset', '-q', '--hard', first);
    await commit(2);
    await git(person, 'push', '-q', 'origin', 'main');
    const { room } = await newRoom();
    const item = itemOf({ base: first, head: work, attempt: 1, changed: true });
    const result = await room.buildCandidate(target, item, readGate);
    expect(result).toMatchObject({ kind: 'conflict', request: { files: ['a.txt', 'one.bin', 'two.bin'] } });
    const { evidence } = result.kind === 'conflict' ? result.request : { evidence: '' };
    expect(evidence).toMatch(/^--- "a.txt"\n@@ line 1\n<<<<<<< /);
    expect(evidence).toMatch(/\n--- "one.bin"\n\(.*not text\)\n--- "two.bin"\n\(too large to be shown\)$/);
  });

  it('returns a conflict when one side deleted what the other changed', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'a.txt': 'one\nTASK\nthree\n' });
    await git(person, 'rm', '-q', 'a.txt');
    await git(person, 'commit', '-qm', 'deleted');
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({
      kind: 'conflict',
      request: { files: ['a.txt'] },
    });
  });

  it('has nothing to land when main has the same content already', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await commitFiles(person, { 'b.txt': 'b\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.buildCandidate(target, item, readGate)).toEqual({ kind: 'nothing-to-land' });
  });

  it('waits for a gate that main does not have', async () => {
    const { target } = await bareOrigin({ 'a.txt': 'a\n' });
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'held', why: 'gate' });
  });

  it('waits for an origin that cannot be reached, and refuses a branch that is gone', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await rename(origin, `${origin}.away`);
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'held', why: 'origin' });
    await rename(`${origin}.away`, origin);
    await git(origin, 'update-ref', '-d', `refs/tasks/${taskId}/1/head`);
    const other = await newRoom();
    expect(await other.room.buildCandidate(target, item, readGate)).toMatchObject({
      kind: 'refused',
      failure: { kind: 'landing-refused' },
    });
  });

  it('does not take a task for landed because an agent wrote its trailers into a summary or a commit', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const other = {
      ...(await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId)),
      summary: `fine\n\nTask-Id: ${taskId}\nTask-Attempt: 1`,
    };
    expect(await room.land(target, other, await built(room, target, other))).toMatchObject({ kind: 'landed' });
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'candidate' });
    expect(existsSync(person)).toBe(true);
  });

  it('gives equal candidates for a title with a line break, a dash or a direction mark', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = {
      ...(await worked(room, target, { 'b.txt': 'b\n' })),
      title: '-x \u202Eevil\nsecond',
      author: { name: 'A <b>\n', email: 'e>\nx' },
    };
    const candidate = await built(room, target, item);
    expect(await built(room, target, item)).toEqual(candidate);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await git(origin, 'log', '-1', '--format=%s|%an|%ae', 'main')).toBe('-x evil|A b|e x');
    expect(await git(origin, 'fsck', '--strict')).toBe('');
  });
});
