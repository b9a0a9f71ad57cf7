/** The look at a person's own checkout, the probe of an origin, and reading files of commits. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile, chmod } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { branchTip, readCheckout, readFileAtCommit, type Checkout } from '../../src/git/checkout.ts';
import { createGitRoom, probeOrigin } from '../../src/git/room.ts';
import {
  bareOrigin,
  branch,
  checkedOutOrigin,
  commitFiles,
  git,
  head,
  newRoom,
  prepared,
  project,
  TASKS_YAML,
  value,
} from '../support/git-rig.ts';
import { parseObjectId } from '../../src/core/ids.ts';
import { onReftable, toReftable } from '../support/on-reftable.ts';
import { tempFolder } from '../support/temp.ts';

const env = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  HOME: '/nonexistent',
};

async function look(folder: string): Promise<Checkout> {
  const checkout = await readCheckout(folder, { env });
  if (checkout.kind === 'none') throw new Error(checkout.message);
  return checkout;
}

describe('looking at a checkout', () => {
  onReftable('tells the same where refs are kept as reftable', async () => {
    const { person, origin, first } = await bareOrigin({ 'tasks.yaml': TASKS_YAML });
    await toReftable((...args) => git(person, ...args));
    const checkout = await look(person);
    expect(checkout).toMatchObject({ root: person, branch: 'main', head: first, origin });
    const ahead = await commitFiles(person, { y: 'y' });
    expect(await branchTip(checkout, 'main', { env })).toBe(first);
    expect(await branchTip(checkout, 'nothing', { env })).toBeNull();
    await git(person, 'checkout', '--quiet', '--detach');
    expect(await look(person)).toMatchObject({ branch: null, head: ahead });
  });

  it('tells root, branch, head, origin and the person from a folder inside it', async () => {
    const { person, origin, first } = await bareOrigin({ 'deep/down/x': 'x', 'tasks.yaml': TASKS_YAML });
    await git(person, 'config', 'user.name', 'Ada');
    await git(person, 'config', 'user.email', 'ada@example.org');
    const checkout = await look(join(person, 'deep/down'));
    expect(checkout).toMatchObject({
      root: person,
      branch: 'main',
      head: first,
      origin,
      hasRemote: true,
      userName: 'Ada',
      userEmail: 'ada@example.org',
    });
    const ahead = await commitFiles(person, { y: 'y' });
    expect(await branchTip(checkout, 'main')).toBe(first);
    expect((await look(person)).head).toBe(ahead);
    expect(await branchTip(checkout, 'nothing')).toBeNull();
    await git(person, 'pack-refs', '--all');
    expect(await branchTip(checkout, 'main')).toBe(first);
    expect(await readFileAtCommit(person, first, 'tasks.yaml', { env })).toBe(TASKS_YAML);
    expect(await readFileAtCommit(person, first, 'nothing', { env })).toBeNull();
  });

  it('takes the repository itself as the origin when there is no remote, from a linked worktree too', async () => {
    const { origin, first } = await checkedOutOrigin();
    const linked = join(await tempFolder('linked'), 'wt');
    await git(origin, 'worktree', 'add', '-q', '--detach', linked);
    expect(await look(origin)).toMatchObject({ origin, hasRemote: false, branch: 'main' });
    const checkout = await look(linked);
    expect(checkout).toMatchObject({ origin, root: linked, branch: null, head: first });
    expect(await branchTip(checkout, 'main')).toBe(first);
  });

  it('tells an unborn branch, and a remote by a relative path', async () => {
    const folder = await tempFolder('unborn');
    await git(folder, 'init', '-q', '-b', 'main', 'repo');
    await git(join(folder, 'repo'), 'remote', 'add', 'upstream', '../elsewhere.git');
    expect(await look(join(folder, 'repo'))).toMatchObject({
      head: null,
      branch: 'main',
      origin: join(folder, 'elsewhere.git'),
    });
    await git(join(folder, 'repo'), 'remote', 'add', 'other', 'git@example.org:x/y.git');
    expect(await readCheckout(join(folder, 'repo'), { env })).toMatchObject({ kind: 'none' });
    await git(join(folder, 'repo'), 'remote', 'add', 'origin', 'git@example.org:x/y.git');
    expect(await look(join(folder, 'repo'))).toMatchObject({ origin: 'git@example.org:x/y.git' });
  });

  it('says in one line why there is none', async () => {
    const folder = await tempFolder('none');
    const { origin } = await bareOrigin();
    for (const place of [folder, join(folder, 'missing'), origin]) {
      const result = await readCheckout(place, { env });
      expect(result).toMatchObject({ kind: 'none', message: expect.not.stringContaining('\n') });
    }
  });
});

describe('probing an origin', () => {
  it('reports what can be done, changing nothing', async () => {
    const { target, origin, first } = await bareOrigin();
    const home = await tempFolder('home');
    expect(await probeOrigin(target, { home, processHome: home })).toEqual({
      fetch: { kind: 'ok', tip: first },
      lacks: null,
      push: { kind: 'ok', tip: null },
    });
    expect(await git(origin, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
    const away = await probeOrigin({ ...target, origin: `${origin}-not` }, { home, processHome: home });
    expect(away).toMatchObject({ fetch: { kind: 'failed' }, push: { kind: 'failed' } });
  });
});

it('an origin of the longer hash takes a pretended push', async () => {
  const origin = join(await tempFolder('origin'), 'repo');
  await git('/', 'init', '-q', '-b', 'main', '--object-format=sha256', origin);
  const tip = await commitFiles(origin, { 'a.txt': 'a\n' });
  const home = await tempFolder('home');
  expect(await probeOrigin({ project, branch, origin }, { home, processHome: home })).toMatchObject({
    fetch: { kind: 'ok', tip },
    push: { kind: 'ok' },
  });
});

describe('reading a file at a commit', () => {
  it('fetches what the host lacks, and tells a missing file from a missing commit', async () => {
    const { target, person, first } = await bareOrigin();
    const { room } = await newRoom();
    expect(await room.readFileAt(target, first, 'tasks.yaml')).toEqual({ kind: 'file', text: TASKS_YAML });
    expect(await room.readFileAt(target, first, 'missing')).toEqual({ kind: 'file', text: null });
    const later = await commitFiles(person, { 'tasks.yaml': 'later\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.readFileAt(target, later, 'tasks.yaml')).toEqual({ kind: 'file', text: 'later\n' });
    expect(await room.readFileAt(target, value(parseObjectId('a'.repeat(40))), 'x')).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('has that commit, as after a forced push'),
    });
  });

  it.each([1_100_000, 2_000_000])('tells one of %d bytes from what can be read', async (bytes) => {
    const { target, first } = await bareOrigin({ 'large.txt': 'x'.repeat(bytes) });
    const { room } = await newRoom();
    expect(await room.readFileAt(target, first, 'large.txt')).toEqual({ kind: 'too-large' });
  });
});

describe('the configuration of the person', () => {
  it('gives fetch and push what reaching the origin needs, and nothing else', async () => {
    const { target, origin } = await bareOrigin();
    const home = await tempFolder('home');
    const personHome = await tempFolder('person');
    const marker = join(personHome, 'ran');
    await mkdir(join(personHome, 'hooks'));
    await writeFile(join(personHome, 'hooks/reference-transaction'), `#!/bin/sh\ntouch ${marker}\n`);
    await chmod(join(personHome, 'hooks/reference-transaction'), 0o755);
    await writeFile(
      join(personHome, '.gitconfig'),
      `[url "${origin}"]\n\tinsteadOf = short:thing\n[core]\n\thooksPath = ${join(personHome, 'hooks')}\n[fetch]\n\tprune = true\n`,
    );
    const room = createGitRoom({ home, worker: 'test', processHome: personHome });
    const workspace = await prepared(room, { ...target, origin: 'short:thing' });
    expect(await head(workspace.worktree)).toBe(await head(origin, 'main'));
    expect(existsSync(marker)).toBe(false);
  });
});
