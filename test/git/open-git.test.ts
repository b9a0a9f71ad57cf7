/** A sandbox for git that cannot be made: no fault of the agent's. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGitRoom, whyNotConfined, type Confine } from '../../src/git/room.ts';
import { bareOrigin, confine, newRoom, prepared, storeRequest, write } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const NO_SANDBOX: Confine = () => [
  '/bin/sh',
  '-c',
  'echo "bwrap: Creating new namespace failed: No space left on device" >&2; exit 1',
];

describe('git whose sandbox cannot be made', () => {
  it('is known before it is needed, with why', async () => {
    const home = await tempFolder('home');
    expect(await whyNotConfined({ home, confine: NO_SANDBOX })).toMatch(/in a sandbox: bwrap: Creating new namespace/);
    expect(await whyNotConfined({ home, confine })).toBeNull();
  });

  it('fails the attempt as the engine’s fault, and leaves the worktree as it is', async () => {
    const { target } = await bareOrigin({ 'a.txt': 'a\n', '.gitignore': 'ignored\n' });
    const { room, home } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n', ignored: 'kept\n' });
    const unheld = createGitRoom({ home, worker: 'test', processHome: home, confine: NO_SANDBOX });
    expect(await unheld.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      kind: 'failed',
      failure: 'engine-error',
      message: expect.stringContaining('cannot start git in a sandbox'),
    });
    await expect(prepared(unheld, target, 2)).rejects.toThrow('engine-error');
    expect(existsSync(join(workspace.worktree, 'b.txt'))).toBe(true);
    expect(await readFile(join(workspace.worktree, 'ignored'), 'utf8')).toBe('kept\n');
  });
});
