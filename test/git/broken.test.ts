/** What git says of broken and missing objects is known as that, and what else it says is not. */

import { describe, expect, it } from '@jest/globals';
import { chmod, readdir, rm, truncate, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brokenIn } from '../../src/git/broken.ts';
import { GitError, runGit } from '../../src/git/command.ts';
import { bareOrigin, commitFiles, git, head } from '../support/git-rig.ts';

const ENV = { LC_ALL: 'C', HOME: '/', GIT_CONFIG_NOSYSTEM: '1', PATH: '/usr/local/bin:/usr/bin:/bin' };

/** What a git that is started as the engine starts it says on standard error. */
async function said(gitDir: string, args: readonly string[], input = ''): Promise<string> {
  const env = { ...ENV, GIT_DIR: gitDir };
  try {
    return (await runGit('git', args, { cwd: gitDir, env, input })).stderr;
  } catch (error) {
    if (error instanceof GitError) return error.stderr;
    throw error;
  }
}

const BREAKS = {
  'an empty loose object': async (path: string) => truncate(path, 0),
  'a loose object of zeros': async (path: string) => writeFile(path, Buffer.alloc((await readFile(path)).length)),
  'a loose object cut off': async (path: string) => truncate(path, Math.floor((await readFile(path)).length / 2)),
  'a missing object': async (path: string) => rm(path),
} as const;

async function looseFile(gitDir: string, id: string): Promise<string> {
  const path = join(gitDir, 'objects', id.slice(0, 2), id.slice(2));
  await chmod(path, 0o644);
  return path;
}

const IDS = ['main', 'main^{tree}', 'main:a.txt', 'main:folder', 'main:folder/b.txt'] as const;

/** A bare repository of loose objects, with one commit on another. */
async function loose(): Promise<{ readonly gitDir: string; readonly other: string; readonly person: string }> {
  const { person } = await bareOrigin({ 'a.txt': 'a\n', 'folder/b.txt': 'b\n' });
  await git(person, 'branch', 'other');
  await commitFiles(person, { 'a.txt': 'changed\n', 'folder/b.txt': 'changed too\n' });
  return { gitDir: join(person, '.git'), other: await head(person, 'other'), person };
}

const COMMANDS = {
  archive: ['archive', '--format=tar', '-o', '/dev/null', 'main'],
  'merge-tree': ['merge-tree', '--write-tree', 'main', 'side'],
  'pack-objects': ['pack-objects', '--all', '--stdout', '-q'],
} as const;

describe('what git says', () => {
  it('is known as newer ones say it of a pack that is fetched once more over a broken one', () => {
    const line =
      "error: files '/a b/objects/pack/tmp_pack_EO6UkB' and '/a b/objects/pack/pack-b322.pack' differ in contents";
    expect(
      brokenIn(`Receiving objects: 100% (3/3), done.\n${line}\nfatal: fetch-pack: invalid index-pack output`),
    ).toBe(line);
  });

  for (const [kind, broken] of Object.entries(BREAKS)) {
    for (const name of IDS) {
      it(`is known for ${kind}: ${name}`, async () => {
        const { gitDir, person } = await loose();
        await git(person, 'checkout', '-q', '-b', 'side', 'other');
        await commitFiles(person, { 'a.txt': 'third\n', 'folder/b.txt': 'third too\n' });
        const id = await head(person, name);
        await broken(await looseFile(gitDir, id));
        for (const args of Object.values(COMMANDS)) {
          const text = await said(gitDir, args);
          expect([args.join(' '), text, brokenIn(text)]).toEqual([args.join(' '), text, expect.any(String)]);
        }
        const batch = await said(gitDir, ['cat-file', '--batch'], `${id}\n`);
        if (kind !== 'a missing object') expect([batch, brokenIn(batch)]).toEqual([batch, expect.any(String)]);
      });
    }
  }

  for (const [kind, where] of [
    ['cut off', null],
    ['overwritten in its middle', 0.5],
    ['overwritten at its head', 0],
  ] as const) {
    it(`is known for a pack ${kind}`, async () => {
      const { gitDir, person } = await loose();
      await git(person, 'branch', 'side', 'other');
      await git(person, 'gc', '-q');
      const [name] = (await readdir(join(gitDir, 'objects/pack'))).filter((each) => each.endsWith('.pack'));
      const path = join(gitDir, 'objects/pack', name ?? '');
      await chmod(path, 0o644);
      const content = await readFile(path);
      if (where === null) await truncate(path, Math.floor(content.length / 2));
      else {
        content.fill(0, Math.floor(content.length * where), Math.floor(content.length * where) + 40);
        await writeFile(path, content);
      }
      const text = await said(gitDir, ['cat-file', '--batch-all-objects', '--batch']);
      const walked = await said(gitDir, COMMANDS['pack-objects']);
      for (const one of [text, walked]) expect([one, brokenIn(one)]).toEqual([one, expect.any(String)]);
    });
  }

  it('is not taken for broken objects when it is about something else', async () => {
    const { gitDir, other } = await loose();
    const none = 'f'.repeat(40);
    const texts = [
      await said(gitDir, ['fetch', '--', '/nowhere/at/all', 'main']),
      await said(gitDir, ['fetch', '--', gitDir, 'refs/heads/none']),
      await said(gitDir, ['cat-file', '-e', `${none}^{commit}`]),
      await said(gitDir, ['cat-file', '--batch'], `${none}\n${other}:none\n`),
      await said(gitDir, ['rev-parse', '--verify', 'none']),
      await said(gitDir, ['push', '--force-with-lease=refs/heads/x:1', '--', '/nowhere', 'main:x']),
    ];
    for (const text of texts) expect([text, brokenIn(text)]).toEqual([text, null]);
    expect(brokenIn('remote: error: object file x is empty\nremote: fatal: bad object')).toBeNull();
  });
});
