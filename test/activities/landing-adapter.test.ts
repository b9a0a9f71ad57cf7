/** What every way of landing has to keep, and that a push does. */

import { describe, expect, it } from '@jest/globals';
import { landingByPush, type LandingAdapter } from '../../src/activities/landing-adapter.ts';
import type { Target } from '../../src/core/queue-types.ts';
import type { GitRoom } from '../../src/git/types.ts';
import {
  bareOrigin,
  built,
  checkedOutOrigin,
  commitFiles,
  git,
  head,
  newRoom,
  otherTaskId,
  readGate,
  worked,
} from '../support/git-rig.ts';
import { RefusingLanding } from '../support/refusing-landing.ts';

type MakeAdapter = (room: GitRoom) => LandingAdapter;
type MakeOrigin = () => Promise<{ readonly origin: string; readonly target: Target }>;

function landings(origin: string): Promise<string> {
  return git(origin, 'rev-list', '--count', '--first-parent', 'refs/heads/main');
}

async function ready(makeOrigin: MakeOrigin, makeAdapter: MakeAdapter) {
  const { origin, target } = await makeOrigin();
  const { room } = await newRoom();
  const item = await worked(room, target, { 'b.txt': 'b\n' });
  return { origin, target, room, item, candidate: await built(room, target, item), adapter: makeAdapter(room) };
}

function keepsTheContract(name: string, makeOrigin: MakeOrigin, makeAdapter: MakeAdapter): void {
  describe(`landing ${name}`, () => {
    it('moves main to the candidate itself, and says so again to whoever asks', async () => {
      const { origin, target, item, candidate, adapter } = await ready(makeOrigin, makeAdapter);
      const landed = { kind: 'landed', landing: { commit: candidate.commit, tree: candidate.tree } };
      expect(await adapter.land(target, item, candidate)).toMatchObject(landed);
      expect(await adapter.land(target, item, candidate)).toMatchObject(landed);
      // Another host, which has never seen it, has it built first, and finds it there.
      const elsewhere = (await newRoom()).room;
      expect(await makeAdapter(elsewhere).land(target, item, candidate)).toEqual({ kind: 'moved' });
      expect(await elsewhere.buildCandidate(target, item, readGate)).toMatchObject(landed);
      expect(await head(origin, 'refs/heads/main')).toBe(candidate.commit);
      expect(await landings(origin)).toBe('2');
    });

    it('changes nothing when main has moved, and still finds a candidate that is below it', async () => {
      const { origin, target, room, item, candidate, adapter } = await ready(makeOrigin, makeAdapter);
      const other = await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
      const second = await built(room, target, other);
      expect(await adapter.land(target, other, second)).toMatchObject({ kind: 'landed' });
      expect(await adapter.land(target, item, candidate)).toEqual({ kind: 'moved' });
      expect(await head(origin, 'refs/heads/main')).toBe(second.commit);
      const again = await built(room, target, item);
      expect(await adapter.land(target, item, again)).toMatchObject({ kind: 'landed' });
      expect(await adapter.land(target, other, second)).toMatchObject({ kind: 'landed' });
      expect(await landings(origin)).toBe('3');
    });
  });
}

keepsTheContract('by push to a bare repository', bareOrigin, landingByPush);
keepsTheContract('by push to a checkout', checkedOutOrigin, landingByPush);
keepsTheContract('by the driven fake, while it refuses nothing', bareOrigin, (room) =>
  new RefusingLanding().over(landingByPush(room)),
);

describe('the driven fake', () => {
  it('refuses as a protected branch does, and changes nothing', async () => {
    const { origin, target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const fake = new RefusingLanding();
    const adapter = fake.over(landingByPush(room));
    fake.refusal = 'main is protected';
    expect(await adapter.land(target, item, candidate)).toEqual({ kind: 'protected', text: 'main is protected' });
    expect(await head(origin, 'refs/heads/main')).toBe(candidate.main);
    // A person goes on meanwhile; what was refused is then a candidate that is too old.
    await commitFiles(person, { 'd.txt': 'd\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    fake.refusal = null;
    expect(await adapter.land(target, item, candidate)).toEqual({ kind: 'moved' });
  });
});
