/** Several that land in one push. */

import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { ObjectId } from '../../src/core/ids.ts';
import type { SealAnswer } from '../../src/core/queue.ts';
import type { Below, Candidate, QueueItem } from '../../src/core/queue-types.ts';
import type { Landed } from '../../src/git/types.ts';
import {
  bareOrigin,
  built,
  checkedOutOrigin,
  git,
  newRoom,
  otherTaskId,
  readGate,
  taskId,
  worked,
  write,
} from '../support/git-rig.ts';

function belowOf(item: QueueItem, { commit, tree, main, gate, cover }: Candidate): Below {
  return { item, commit, tree, main, gateHash: gate.hash, ...(cover === undefined ? {} : { cover }) };
}

function asSealed(item: QueueItem, candidate: Candidate, answer: SealAnswer, at: number): Landed {
  const part = answer.kind === 'sealed' ? answer.parts[at] : undefined;
  if (part === undefined) throw new Error(JSON.stringify(answer));
  const { commit, main, cover } = part;
  return { item, candidate: { ...candidate, commit, main, ...(cover === null ? {} : { cover }) } };
}

/** Two tasks' candidates, the second on the first, which its run covers. */
async function batch(given?: Awaited<ReturnType<typeof checkedOutOrigin>>) {
  const { target, origin, first } = given ?? (await bareOrigin());
  const { room } = await newRoom();
  const one = await worked(room, target, { 'a.txt': 'a\n' });
  const two = await worked(room, target, { 'b.txt': 'b\n' }, otherTaskId);
  const ahead = await built(room, target, one);
  const request = { item: two, parent: ahead.commit, known: first, below: [belowOf(one, ahead)] };
  const { result } = await room.buildOn(target, request, readGate);
  if (result.kind !== 'candidate') throw new Error(result.kind);
  const { candidate } = result;
  const cover: ObjectId = candidate.tree;
  const parts = [
    { item: one, candidate: ahead, cover },
    { item: two, candidate, cover },
  ];
  return { target, origin, first, room, one, two, ahead, candidate, cover, parts };
}

async function sealedBatch(given?: Awaited<ReturnType<typeof checkedOutOrigin>>) {
  const made = await batch(given);
  const { room, target, parts, one, two, ahead, candidate } = made;
  const answer = await room.sealCandidates(target, parts, []);
  return { ...made, answer, under: asSealed(one, ahead, answer, 0), last: asSealed(two, candidate, answer, 1) };
}

describe('candidates that one gate run covers', () => {
  it('keep their trees and say so in their trailers, the same on every host and however often', async () => {
    const { target, room, parts, answer, under, last, cover, first } = await sealedBatch();
    expect(await room.sealCandidates(target, parts, [])).toEqual(answer);
    const other = await newRoom();
    expect(await other.room.sealCandidates(target, parts, [])).toEqual(answer);
    expect(under.candidate).toMatchObject({ main: first, tree: parts[0]?.candidate.tree, cover });
    expect(last.candidate).toMatchObject({ main: under.candidate.commit, tree: cover, cover });
    const third = await newRoom();
    const gate = await third.room.gateWorktree(target, last.item, last.candidate, [
      belowOf(under.item, under.candidate),
    ]);
    expect(await readFile(join(gate.path, 'a.txt'), 'utf8')).toBe('a\n');
    expect(await git(gate.path, 'log', '-1', '--format=%(trailers:key=Gate-Covered-By,valueonly)')).toBe(cover);
    await gate.release();
  });

  it('land together: a first-parent commit for each, and the refs of both are gone', async () => {
    const { target, origin, room, under, last, cover, first } = await sealedBatch();
    const result = await room.landTogether(target, [under], last);
    expect(result).toMatchObject({
      kind: 'landed',
      landing: { commit: last.candidate.commit, main: under.candidate.commit },
      under: [{ commit: under.candidate.commit, main: first }],
    });
    const format =
      '--format=%H %(trailers:key=Task-Id,valueonly,separator=) %(trailers:key=Gate-Covered-By,valueonly,separator=)';
    expect((await git(origin, 'log', '--first-parent', format, `${first}..main`)).split('\n')).toEqual([
      `${last.candidate.commit} ${otherTaskId} ${cover}`,
      `${under.candidate.commit} ${taskId} ${cover}`,
    ]);
    expect(await git(origin, 'rev-parse', 'main^{tree}')).toBe(cover);
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).not.toContain('/head');
    expect(await git(origin, 'fsck', '--strict', '--connectivity-only')).toBe('');
  });

  it('are found to have landed when the answer to their push was lost, and each by its own trailers', async () => {
    const { target, room, under, last } = await sealedBatch();
    const landed = await room.landTogether(target, [under], last);
    expect(await room.landTogether(target, [under], last)).toEqual(landed);
    for (const { item, candidate } of [under, last]) {
      const found = await room.buildCandidate(target, item, readGate);
      expect(found).toMatchObject({ kind: 'landed', landing: { commit: candidate.commit } });
    }
  });

  it('do not land, none of them, when main has moved', async () => {
    const { target, origin, room, under, last, first } = await sealedBatch();
    const tree = await git(origin, 'rev-parse', 'main^{tree}');
    const other = await git(origin, 'commit-tree', tree, '-p', first, '-m', 'somebody else');
    await git(origin, 'update-ref', 'refs/heads/main', other);
    const main = await git(origin, 'rev-parse', 'main');
    expect(await room.landTogether(target, [under], last)).toEqual({ kind: 'moved' });
    expect(await git(origin, 'rev-parse', 'main')).toBe(main);
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).toContain('/head');
  });

  it('land in a checkout of a person too, with the files of both', async () => {
    const { target, origin, room, under, last } = await sealedBatch(await checkedOutOrigin());
    expect(await room.landTogether(target, [under], last)).toMatchObject({ kind: 'landed' });
    expect(await git(origin, 'rev-parse', 'HEAD')).toBe(last.candidate.commit);
    expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('a\n');
    expect(await readFile(join(origin, 'b.txt'), 'utf8')).toBe('b\n');
    expect(await git(origin, 'status', '--porcelain')).toBe('');
  });

  it('wait, all of them, while that checkout has changes of the person', async () => {
    const { target, origin, room, under, last, first } = await sealedBatch(await checkedOutOrigin());
    await write(origin, { 'a.txt': 'mine\n' });
    expect(await room.landTogether(target, [under], last)).toMatchObject({ kind: 'held', why: 'checkout' });
    expect(await git(origin, 'rev-parse', 'HEAD')).toBe(first);
    expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('mine\n');
  });

  it('land from a host that has built none of them but made them anew', async () => {
    const { target, origin, parts, under, last, cover } = await sealedBatch();
    const other = await newRoom();
    await other.room.sealCandidates(target, parts, []);
    expect(await other.room.landTogether(target, [under], last)).toMatchObject({ kind: 'landed' });
    expect(await git(origin, 'rev-parse', 'main^{tree}')).toBe(cover);
  });
});
