/** Candidates on candidates, and where main is seen to be. */

import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { Below, Candidate, QueueItem } from '../../src/core/queue-types.ts';
import type { BuiltCandidate } from '../../src/git/types.ts';
import { bareOrigin, built, commitFiles, git, newRoom, otherTaskId, readGate, worked } from '../support/git-rig.ts';

const TEXT = 'one\ntwo\nthree\n';

function belowOf(item: QueueItem, { commit, tree, main, gate }: Candidate): Below {
  return { item, commit, tree, main, gateHash: gate.hash };
}

function candidateOf({ result }: BuiltCandidate): Candidate {
  if (result.kind !== 'candidate') throw new Error(JSON.stringify(result));
  return result.candidate;
}

/** A first candidate on main, and another task's work beside it. */
async function pair(second: Readonly<Record<string, string>>) {
  const { target, person, first } = await bareOrigin();
  const { room } = await newRoom();
  const one = await worked(room, target, { 'a.txt': 'ONE\ntwo\nthree\n' });
  const two = await worked(room, target, second, otherTaskId);
  const ahead = await built(room, target, one);
  const below = [belowOf(one, ahead)];
  const request = { item: two, parent: ahead.commit, known: first, below };
  return { target, person, first, room, one, two, ahead, below, request };
}

describe('a candidate on a candidate', () => {
  it('has the one ahead as its first parent and the work of both, and lands after it', async () => {
    const { target, first, room, one, two, ahead, request } = await pair({ 'b.txt': 'b\n' });
    const answer = await room.buildOn(target, request, readGate);
    const candidate = candidateOf(answer);
    expect(candidate.main).toBe(ahead.commit);
    expect(answer.main).toEqual({ commit: first, since: 'same', vanished: [] });
    expect(await room.land(target, two, candidate)).toEqual({ kind: 'moved' });
    expect(await room.land(target, one, ahead)).toMatchObject({ kind: 'landed' });
    expect(await room.land(target, two, candidate)).toMatchObject({ kind: 'landed', landing: { main: ahead.commit } });
    expect(await git(target.origin, 'show', 'main:a.txt')).toBe('ONE\ntwo\nthree');
    expect(await git(target.origin, 'show', 'main:b.txt')).toBe('b');
    expect(await git(target.origin, 'rev-parse', 'main^{tree}')).toBe(candidate.tree);
  });

  it('is the same on a host that has neither, and so is the worktree of its gate', async () => {
    const { target, room, two, below, request } = await pair({ 'b.txt': 'b\n' });
    const candidate = candidateOf(await room.buildOn(target, request, readGate));
    const other = await newRoom();
    expect(candidateOf(await other.room.buildOn(target, request, readGate))).toEqual(candidate);
    const third = await newRoom();
    const gate = await third.room.gateWorktree(target, two, candidate, below);
    expect(await readFile(join(gate.path, 'a.txt'), 'utf8')).toBe('ONE\ntwo\nthree\n');
    expect(await readFile(join(gate.path, 'b.txt'), 'utf8')).toBe('b\n');
    await gate.release();
  });

  it('has its gate on another host also when the one ahead has landed meanwhile, and its branch is gone', async () => {
    const { target, room, one, two, ahead, below, request } = await pair({ 'b.txt': 'b\n' });
    const candidate = candidateOf(await room.buildOn(target, request, readGate));
    const other = await newRoom();
    // It has main as it was before.
    await worked(other.room, target, { 'c.txt': 'c\n' }, 'ccccccccc3' as TaskId);
    expect(await room.land(target, one, ahead)).toMatchObject({ kind: 'landed' });
    const gate = await other.room.gateWorktree(target, two, candidate, below);
    expect(await readFile(join(gate.path, 'a.txt'), 'utf8')).toBe('ONE\ntwo\nthree\n');
    await gate.release();
  });

  it('waits when it conflicts with the one ahead alone', async () => {
    const { target, room, request } = await pair({ 'a.txt': 'TWO\ntwo\nthree\n' });
    expect((await room.buildOn(target, request, readGate)).result).toEqual({ kind: 'behind' });
  });

  it('goes back at once when it conflicts with main too', async () => {
    const { target, person, room, request } = await pair({ 'a.txt': 'TWO\ntwo\nthree\n' });
    const main = await commitFiles(person, { 'a.txt': `MAIN\n${TEXT.slice(4)}` }, 'what landed');
    await git(person, 'push', '-q', 'origin', 'main');
    const answer = await room.buildOn(target, request, readGate);
    expect(answer.result).toMatchObject({ kind: 'conflict', request: { main, files: ['a.txt'] } });
    expect(answer.main).toMatchObject({ commit: main, since: 'ahead' });
  });

  it('that adds nothing to the one ahead waits until main alone can tell why', async () => {
    const { target, room, request } = await pair({ 'a.txt': 'ONE\ntwo\nthree\n' });
    expect((await room.buildOn(target, request, readGate)).result).toEqual({ kind: 'behind' });
  });
});

describe('main', () => {
  it('is seen as first, the same, or ahead of where it was known to be', async () => {
    const { target, person, first } = await bareOrigin();
    const { room } = await newRoom();
    expect(await room.lookAtMain(target, null)).toEqual({ commit: first, since: 'first', vanished: [] });
    expect(await room.lookAtMain(target, first)).toMatchObject({ since: 'same' });
    const next = await commitFiles(person, { 'b.txt': 'b\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.lookAtMain(target, first)).toEqual({ commit: next, since: 'ahead', vanished: [] });
  });

  it('that was rewritten is told, with the landings that are gone', async () => {
    const { target, room, one, ahead, person } = await pair({ 'b.txt': 'b\n' });
    expect(await room.land(target, one, ahead)).toMatchObject({ kind: 'landed' });
    const other = await commitFiles(person, { 'c.txt': 'c\n' }, 'another history');
    await git(person, 'push', '-qf', 'origin', 'main');
    const seen = await room.lookAtMain(target, ahead.commit);
    expect(seen).toMatchObject({ commit: other, since: 'rewritten' });
    expect(seen?.vanished).toEqual([`${one.taskId} Change a file (${ahead.commit.slice(0, 12)})`]);
  });

  it('cannot be seen while the origin is away, which is no news', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    expect(await room.lookAtMain({ ...target, origin: `${target.origin}.gone` }, null)).toBeNull();
  });

  it('is gated as it is, in a worktree of its own', async () => {
    const { target, first } = await bareOrigin();
    const { room } = await newRoom();
    await room.lookAtMain(target, null);
    const candidate = await room.mainCandidate(target, first, readGate);
    if (candidate === null) throw new Error('main is there');
    const gate = await room.gateWorktree(target, null, candidate);
    expect(await git(gate.path, 'rev-parse', 'HEAD')).toBe(first);
    await gate.release();
  });
});
