import { beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readProjectContext, type ProjectContext } from '../../src/config/project-context.ts';
import { tempFolder } from '../support/temp.ts';

const LEAST = 'project: my-app\nbranch: main\ngate: npm test\n';
const ENV = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

let folder = '';

function git(...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd: folder,
    env: ENV,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

async function write(text: string): Promise<void> {
  await writeFile(join(folder, 'tasks.yaml'), text);
}

function commit(message = 'a commit'): void {
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', message);
}

async function read(at = folder): Promise<ProjectContext> {
  return readProjectContext(at, ENV);
}

async function refusal(at = folder): Promise<string> {
  const context = await read(at);
  if (context.kind === 'ok') throw new Error('was taken');
  expect(context.message).not.toContain('\n');
  return context.message;
}

beforeEach(async () => {
  folder = await tempFolder('project');
  git('init', '-q', '-b', 'main');
});

describe('the project of a folder', () => {
  it('is what the branch says, with the commit that says it', async () => {
    await write(LEAST);
    commit();
    await mkdir(join(folder, 'sub'));
    expect(await read(join(folder, 'sub'))).toMatchObject({
      kind: 'ok',
      settings: { project: 'my-app' },
      configCommit: git('rev-parse', 'HEAD'),
      origin: folder,
      warnings: [],
    });
  });

  it('is that of the branch which tasks.yaml names, whatever is checked out', async () => {
    await write(LEAST);
    commit();
    const main = git('rev-parse', 'HEAD');
    git('switch', '-q', '-c', 'feature');
    commit('more');
    expect(await read()).toMatchObject({ kind: 'ok', configCommit: main, warnings: [] });
  });

  it('is known with a detached HEAD as long as tasks.yaml names the branch', async () => {
    await write(LEAST);
    commit();
    git('checkout', '-q', '--detach');
    expect(await read()).toMatchObject({ kind: 'ok', warnings: [] });
  });

  it('warns of a working copy that differs, and still takes the committed one', async () => {
    await write(LEAST);
    commit();
    await write(LEAST.replace('npm test', 'make'));
    const context = await read();
    expect(context).toMatchObject({ kind: 'ok', settings: { gate: { commands: [{ run: 'npm test' }] } } });
    expect(context.kind === 'ok' ? context.warnings : []).toEqual([
      'tasks.yaml here differs from main; the copy on main counts; to use yours: git add tasks.yaml && git commit -m "Configure tasks" -- tasks.yaml',
    ]);
  });

  it('warns of no working copy that has other ends of lines alone', async () => {
    await write(LEAST);
    commit();
    await write(LEAST.replaceAll('\n', '\r\n'));
    expect(await read()).toMatchObject({ kind: 'ok', warnings: [] });
  });

  it('warns of a working copy that was removed', async () => {
    await write(LEAST);
    commit();
    await rm(join(folder, 'tasks.yaml'));
    const context = await read();
    expect(context.kind === 'ok' ? context.warnings : []).toEqual([
      'tasks.yaml is missing here; the copy on main counts; get it: git checkout -- tasks.yaml',
    ]);
  });
});

describe('with a remote', () => {
  beforeEach(async () => {
    await write(LEAST);
    commit();
    const origin = await tempFolder('origin');
    git('init', '-q', '--bare', '-b', 'main', origin);
    git('remote', 'add', 'origin', origin);
  });

  it('says that the branch is not there yet', async () => {
    expect(await refusal()).toContain('push it: git push -u origin main');
  });

  it('says that tasks.yaml is committed, but not pushed', async () => {
    git('rm', '-q', '--cached', 'tasks.yaml');
    git('commit', '-q', '-m', 'without');
    git('push', '-q', 'origin', 'main');
    commit('with');
    expect(await refusal()).toBe('tasks.yaml is committed here, but not on origin/main; git push origin main');
  });

  it('warns of a change that is committed, but not pushed', async () => {
    git('push', '-q', 'origin', 'main');
    await write(`${LEAST}attempts: 1\n`);
    commit('change');
    const context = await read();
    expect(context).toMatchObject({ kind: 'ok', settings: { policy: { attempts: 3 } } });
    expect(context.kind === 'ok' ? context.warnings : []).toEqual([
      'tasks.yaml as committed here differs from origin/main; the copy on origin/main counts; git push origin main',
    ]);
  });

  it('takes the pushed branch without a warning', async () => {
    git('push', '-q', 'origin', 'main');
    expect(await read()).toMatchObject({ kind: 'ok', warnings: [], checkout: { hasRemote: true } });
  });
});

describe('a folder without a project', () => {
  it('that is no repository is refused', async () => {
    expect(await refusal(await tempFolder('plain'))).toContain('is not in a git repository; run git init');
  });

  it('of an empty repository is refused', async () => {
    await write(LEAST);
    expect(await refusal()).toContain('has no commits yet; make one: git add -A && git commit');
  });

  it('with a detached HEAD and no tasks.yaml is refused', async () => {
    commit();
    git('checkout', '-q', '--detach');
    expect(await refusal()).toContain('HEAD is detached, so that the branch is unknown; go to one: git switch');
  });

  it('without tasks.yaml is told of init', async () => {
    commit();
    expect(await refusal()).toBe('there is no tasks.yaml here; make one with: tasks init');
  });

  it('with an uncommitted tasks.yaml that cannot be used yet is told why, before it is committed', async () => {
    commit();
    await write(LEAST.replace(/^gate:.*$/m, ''));
    expect(await refusal()).toMatch(/^tasks.yaml: gate: is missing; add /);
  });

  it('with an uncommitted tasks.yaml is told how to commit it', async () => {
    commit();
    await write(LEAST);
    expect(await refusal()).toBe(
      'tasks.yaml is not committed; commit it: git add tasks.yaml && git commit -m "Configure tasks" -- tasks.yaml',
    );
  });

  it('that names a branch which does not exist is refused', async () => {
    await write(LEAST.replace('main', 'trunk'));
    commit();
    expect(await refusal()).toContain('trunk does not exist; make it: git branch trunk');
  });

  it('with a wrong tasks.yaml on the branch is told what is wrong', async () => {
    await write('project: my-app\nbranch: main\n');
    commit();
    expect(await refusal()).toBe(
      'tasks.yaml: gate: is missing; add the command that tests the project, such as gate: npm test',
    );
  });

  it('with a wrong tasks.yaml on the branch and a mended one here is told to commit that', async () => {
    await write('project: my-app\nbranch: main\n');
    commit();
    await write(LEAST);
    expect(await refusal()).toContain('(as it stands on main; commit your copy if that is right)');
  });

  it('with a tasks.yaml that is no file is refused', async () => {
    commit();
    await mkdir(join(folder, 'tasks.yaml'));
    expect(await refusal()).toBe('tasks.yaml: cannot be read (EISDIR); mend its permissions');
  });
});
