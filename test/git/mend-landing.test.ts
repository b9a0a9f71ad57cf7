/** A landing repository with broken objects is made anew. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loggedRoom, onlyIn, BREAKS, breakObjects, ORIGINS } from '../support/broken-objects.ts';
import { bareOrigin, built, git, head, readGate, TASKS_YAML, worked } from '../support/git-rig.ts';

describe('a landing repository with broken objects', () => {
  for (const [how, broken] of Object.entries(BREAKS)) {
    for (const [kind, more] of Object.entries(ORIGINS)) {
      it(`is made anew when ${kind} are ${how}, and what was built lands`, async () => {
        const { target, person, origin } = await bareOrigin({ 'a.txt': 'one\n', 'tasks.yaml': TASKS_YAML, ...more });
        const first = await loggedRoom();
        const item = await worked(first.room, target, { 'b.txt': 'b\n' });
        await built(first.room, target, item);
        const landing = await onlyIn(join(first.home, 'landing'), '.git');
        const ids = (await git(landing, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)')).split('\n');
        await breakObjects(landing, ids, broken);

        const { room, logged } = await loggedRoom(first.home);
        const candidate = await built(room, target, item);
        expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
        expect(await head(origin, 'main')).toBe(candidate.commit);
        // What is missing altogether git fetches again by itself.
        const mended = how === 'missing' ? [] : [expect.stringContaining('was mended')];
        expect(logged.map(({ message }) => message)).toEqual(mended);
        expect(existsSync(`${landing}.broken`)).toBe(mended.length > 0);
        expect(await git(landing, 'fsck', '--full', '--no-dangling')).toBe('');
        expect(await git(person, 'ls-remote', origin, 'refs/tasks/*')).toBe('');
      });
    }
  }

  it('builds a candidate anew that lost its tree between building and landing', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await loggedRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const landing = await onlyIn(join(home, 'landing'), '.git');
    await breakObjects(landing, [candidate.tree], rm);
    const again = await loggedRoom(home);
    const result = await again.room.land(target, item, candidate);
    expect(['moved', 'landed']).toContain(result.kind);
    const next = await again.room.buildCandidate(target, item, readGate);
    expect(['candidate', 'landed']).toContain(next.kind);
    if (next.kind === 'candidate')
      expect(await again.room.land(target, item, next.candidate)).toMatchObject({ kind: 'landed' });
  });

  it('holds landing by the right name when its origin cannot be reached', async () => {
    const { target, origin } = await bareOrigin();
    const { room, home } = await loggedRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await built(room, target, item);
    const landing = await onlyIn(join(home, 'landing'), '.git');
    const ids = (await git(landing, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)')).split('\n');
    await breakObjects(landing, ids, BREAKS['emptied'] ?? rm);
    await rename(origin, `${origin}.away`);
    const again = await loggedRoom(home);
    const result = await again.room.buildCandidate(target, item, readGate);
    expect(result).toMatchObject({ kind: 'held' });
    await rename(`${origin}.away`, origin);
    expect(await again.room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'candidate' });
  });
});
