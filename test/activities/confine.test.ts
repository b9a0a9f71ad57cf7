import { describe, expect, it } from '@jest/globals';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { confining, filledBy, makeSandbox, type GrantedPath } from '../../src/activities/confine.ts';
import type { Network, SandboxMode } from '../../src/core/project.ts';
import type { SandboxState } from '../../src/process/types.ts';
import { tempFolder } from '../support/temp.ts';

const WORKS: SandboxState = { kind: 'works' };
const MISSING: SandboxState = { kind: 'missing', why: 'bubblewrap is not installed' };
const UNWANTED: SandboxState = { kind: 'missing', why: 'host.yaml has containment: off', off: true };

const depsOf = (state: SandboxState, host: SandboxMode | null) => ({
  process: { sandbox: state },
  confinement: { sandbox: host, read: [], hidden: [], write: [], granted: () => [], personHome: '/nonexistent' },
});

function opens(network: Network, setup?: Network): readonly string[] {
  const decided = confining(depsOf(WORKS, null), { sandbox: 'preferred', network }, setup);
  return decided.kind === 'sandbox' ? decided.notes : ['no sandbox'];
}

describe('whether there is to be a sandbox', () => {
  it.each<[SandboxState, SandboxMode | null, SandboxMode, string]>([
    [WORKS, null, 'preferred', 'sandbox'],
    [WORKS, null, 'required', 'sandbox'],
    [WORKS, null, 'off', 'open'],
    [WORKS, 'preferred', 'off', 'sandbox'],
    [WORKS, 'required', 'off', 'sandbox'],
    [WORKS, 'off', 'preferred', 'open'],
    [WORKS, 'off', 'required', 'refused'],
    [MISSING, null, 'preferred', 'open'],
    [MISSING, null, 'required', 'refused'],
    [MISSING, 'required', 'off', 'refused'],
    [MISSING, 'off', 'off', 'open'],
  ])('%j, host %s, project %s: %s', (state, host, sandbox, kind) => {
    const decided = confining(depsOf(state, host), { sandbox, network: 'full' });
    expect(decided.kind).toBe(kind);
    // What people should know is never left out.
    if (decided.kind === 'open') expect(decided.notes.join()).toMatch(/without a sandbox/);
    if (decided.kind === 'sandbox') expect(decided.notes).toEqual([]);
    if (decided.kind === 'refused') {
      expect(decided.failure).toMatchObject({ kind: 'no-sandbox', message: expect.stringContaining('is required') });
      expect(decided.failure.next).toContain('sandbox: preferred');
    }
  });

  it.each<[SandboxState, SandboxMode | null, string]>([
    [MISSING, null, 'install bubblewrap there'],
    [WORKS, 'off', 'take sandbox: off out of its host.yaml'],
    [UNWANTED, null, 'take containment: off out of its host.yaml'],
  ])('where one is required and there is none, the way to it is named: %j, host %s', (state, host, way) => {
    const decided = confining(depsOf(state, host), { sandbox: 'required', network: 'none' });
    expect(decided).toMatchObject({ kind: 'refused', failure: { next: expect.stringContaining(way) } });
  });

  it("says what the host's network opens, to it and to its set-up", () => {
    expect(opens('host')).toEqual([expect.stringMatching(/^it shares .* whatever listens here/)]);
    expect(opens('none', 'host')).toEqual([expect.stringMatching(/^its set-up shares .* whatever listens here/)]);
    expect(opens('host', 'host')).toHaveLength(2);
    expect(opens('full', ['*'])).toEqual([]);
  });
});

const sandboxFor = async (folder: string, granted: readonly GrantedPath[], write: readonly string[]) => {
  const { confinement, ...deps } = depsOf(WORKS, null);
  return makeSandbox(
    { ...deps, confinement: { ...confinement, write, granted: () => granted, personHome: join(folder, 'person') } },
    {
      write: [],
      repository: [],
      scratch: join(folder, 'scratch'),
      tmp: join(folder, 'tmp'),
      network: 'none',
      agent: 'mine',
    },
  );
};

describe('what an agent is granted', () => {
  const GRANTED: readonly GrantedPath[] = [
    { path: '.agent/key', how: 'read' },
    { path: '.agent.json', how: 'copy' },
    { path: '.absent', how: 'read' },
  ];

  it('lies in its own home, and nowhere that it has planted a link to', async () => {
    const folder = await tempFolder('confine');
    const person = join(folder, 'person');
    const scratch = join(folder, 'scratch');
    const elsewhere = join(folder, 'elsewhere');
    for (const path of [person, scratch, elsewhere]) await mkdir(path);
    await mkdir(join(person, '.agent'));
    await writeFile(join(person, '.agent/key'), 'key');
    await writeFile(join(person, '.agent.json'), '{}');
    await symlink(elsewhere, join(scratch, '.agent'));
    await symlink(join(elsewhere, 'written'), join(scratch, '.agent.json'));

    const sandbox = await sandboxFor(folder, GRANTED, []);
    expect(sandbox.mounts).toEqual([
      { from: scratch, to: scratch, write: true },
      { from: join(person, '.agent/key'), to: join(scratch, '.agent/key'), write: false },
    ]);
    expect(await readdir(elsewhere)).toEqual([]);
    expect(await readFile(join(scratch, '.agent.json'), 'utf8')).toBe('{}');
  });

  it('is its own once it was copied, whatever becomes of the person’s', async () => {
    const folder = await tempFolder('confine');
    await mkdir(join(folder, 'person'));
    await writeFile(join(folder, 'person/.agent.json'), 'of the person');
    await sandboxFor(folder, GRANTED, []);
    await writeFile(join(folder, 'scratch/.agent.json'), 'of the agent');
    await sandboxFor(folder, GRANTED, []);
    expect(await readFile(join(folder, 'scratch/.agent.json'), 'utf8')).toBe('of the agent');
  });

  it('comes with temporary files of this run alone', async () => {
    const folder = await tempFolder('confine');
    await mkdir(join(folder, 'tmp/of an earlier run'), { recursive: true });
    expect((await sandboxFor(folder, [], [])).tmp).toBe(join(folder, 'tmp'));
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  });

  it('is what a link of the person leads to, but in a folder that every sandbox writes', async () => {
    const folder = await tempFolder('confine');
    const scratch = join(folder, 'scratch');
    for (const path of ['person/written', 'dotfiles/agent']) await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(folder, 'dotfiles/key'), 'key');
    for (const path of ['.config', 'written/planted']) await symlink('../dotfiles/agent', join(folder, 'person', path));
    await symlink('../dotfiles/key', join(folder, 'person/.key'));
    await symlink('nothing', join(folder, 'person/.dangling'));
    await writeFile(join(folder, 'person/written/own'), 'own');
    const paths = ['.config', '.key', '.dangling', 'written/planted', 'written/own'];
    const granted = paths.map((path): GrantedPath => ({ path, how: 'read' }));
    const { mounts } = await sandboxFor(folder, granted, [join(folder, 'person/written')]);
    expect(mounts).toEqual([
      { from: scratch, to: scratch, write: true },
      { from: join(folder, 'dotfiles/agent'), to: join(scratch, '.config'), write: false },
      { from: join(folder, 'dotfiles/key'), to: join(scratch, '.key'), write: false },
      { from: join(folder, 'person/written/own'), to: join(scratch, 'written/own'), write: false },
    ]);
  });
});

describe('what a process fills of the disk', () => {
  it('is all that it may write for its task, each folder once, and nothing that it only reads', () => {
    const mounts = [
      { from: '/home/tasks/1/worktree', to: '/w', write: true },
      { from: '/mirror', to: '/mirror', write: false },
      { empty: '/mirror/worktrees' },
      { from: '/mirror/worktrees/1', to: '/mirror/worktrees/1', write: true },
    ];
    const filled = filledBy(['/home/tasks/1', '/scratch/1'], { mounts, tmp: '/scratch/1.tmp' });
    expect(filled).toEqual(['/home/tasks/1', '/scratch/1', '/mirror/worktrees/1', '/scratch/1.tmp']);
    expect(filledBy(['/home/tasks/1', '/scratch/1'], null)).toEqual(['/home/tasks/1', '/scratch/1']);
  });
});
