import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { onReftable, toReftable } from '../support/on-reftable.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

function sample(name: string, more: Readonly<Record<string, string>> = {}, kind?: 'checkout'): Promise<SampleProject> {
  const files = {
    'tasks.yaml': projectFile().replace('sample', name),
    'gate.sh': GATE,
    'agent.sh': agentScript({}),
    ...more,
  };
  return SampleProject.create(files, kind);
}

describe('landing', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  const submit = (project: SampleProject, run: string, title = 'Work'): Promise<TaskId> =>
    engine.submit(project, { title, attempts: 1, work: { kind: 'shell', run } });

  /** A gate that waits for a file, and a line for each of its runs. */
  const waitingGate = (name: string): string =>
    `echo run >> '${join(engine.home, `runs-${name}`)}'\nwhile [ ! -e '${join(engine.home, `open-${name}`)}' ]; do sleep 0.02; done\n`;
  const open = (name: string): Promise<void> => writeFile(join(engine.home, `open-${name}`), '');
  const runsOf = async (name: string): Promise<number> => {
    const path = join(engine.home, `runs-${name}`);
    return existsSync(path) ? (await readFile(path, 'utf8')).trim().split('\n').length : 0;
  };

  /** A task whose command takes its origin away and leaves work; once that waits to be stored. */
  const leftWithoutOrigin = async (name: string): Promise<{ project: SampleProject; id: TaskId }> => {
    // In a sandbox it could not take it away itself.
    const project = await sample(name, { 'tasks.yaml': projectFile('sandbox: off').replace('sample', name) });
    const id = await submit(project, `mv '${project.origin}' '${project.origin}.away'; echo x > work`);
    await eventually('it to wait', () =>
      engine.log.some((line) => line.startsWith('what an agent left waits to be stored') && line.includes(id)),
    );
    return { project, id };
  };

  describe('on a repository without a remote', () => {
    it('which is its own origin moves its files together with main', async () => {
      const project = await sample('own', { list: 'b\na\n', 'old.txt': 'old\n' }, 'checkout');
      const id = await submit(project, 'sort list > sorted; mv sorted list; mkdir new; echo x > new/file; rm old.txt');
      const view = await engine.untilEnded(id);
      expect(view).toMatchObject({ state: 'landed', commit: await project.tip() });
      expect(await readFile(join(project.clone, 'list'), 'utf8')).toBe('a\nb\n');
      expect(await readFile(join(project.clone, 'new/file'), 'utf8')).toBe('x\n');
      expect(existsSync(join(project.clone, 'old.txt'))).toBe(false);
      expect(await project.git('status', '--porcelain')).toBe('');
      expect(await project.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    });

    onReftable('whose refs are kept as reftable moves with main, after a git was killed there, too', async () => {
      const project = await sample('reftable', { list: 'b\na\n' }, 'checkout');
      await toReftable((...args) => project.git(...args));
      await writeFile(join(project.clone, '.git/reftable/tables.list.lock'), '');
      const id = await submit(project, 'sort list > sorted; mv sorted list');
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', commit: await project.tip() });
      expect(await readFile(join(project.clone, 'list'), 'utf8')).toBe('a\nb\n');
      expect(await project.git('status', '--porcelain')).toBe('');
      await eventually('its refs to be gone', async () => (await project.taskRefs()).length === 0);
    });

    it.each([
      ['changed', 'list', (project: SampleProject) => project.git('stash', 'push', '--quiet')],
      ['staged', 'list', (project: SampleProject) => project.git('commit', '--quiet', '-a', '-m', 'A person commits')],
      ['left untracked in the way of the task’s own', 'work', (project: SampleProject) => project.git('stash', '-u')],
    ] as const)('is held by a file that a person has %s, and goes on by itself', async (how, file, settle) => {
      const name = `dirty-${how.slice(0, 4)}`;
      const project = await sample(name, { list: 'one\n' }, 'checkout');
      const before = await project.tip();
      await project.write({ [file]: 'a person\n' });
      if (how === 'staged') await project.git('add', file);
      const status = await project.git('status', '--porcelain');
      const id = await submit(project, 'echo x > work');

      const view = await engine.untilWaiting(id, 'checkout');
      expect(view).toMatchObject({ state: 'landing', commit: null });
      expect(view.waitingFor?.text).toContain(`${project.clone} has changes in "${file}": commit or stash them`);
      // Now and then it is tried again.
      const rows = async () => (await engine.queue(name)).rows;
      await eventually('it to be held', async () => (await rows())[0]?.state === 'held');
      expect(await rows()).toMatchObject([{ id }]);
      expect(await project.tip()).toBe(before);
      expect(await project.git('status', '--porcelain')).toBe(status);
      expect(await readFile(join(project.clone, file), 'utf8')).toBe('a person\n');

      await settle(project);
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', waitingFor: null });
      expect(await readFile(join(project.clone, 'work'), 'utf8')).toBe('x\n');
      expect(await project.git('status', '--porcelain')).toBe('');
      if (how === 'staged') expect(await project.read('list')).toBe('a person');
      else expect(await project.git('stash', 'show', '-p', '-u')).toContain('+a person');
    });

    it('is told once that it is held, however often it is tried, and is canceled all the while', async () => {
      const project = await sample('dirty-long', { list: 'one\n' }, 'checkout');
      await project.write({ list: 'a person\n' });
      const id = await submit(project, 'echo x > work');
      await engine.untilWaiting(id, 'checkout');
      const queue = engine.client.workflow.getHandle('integration/dirty-long/main');
      await eventually('it to be tried four times', async () => {
        const { events = [] } = await queue.fetchHistory();
        return (events ?? []).filter(({ timerFiredEventAttributes: fired }) => fired != null).length >= 4;
      });
      const told = (await engine.ledger.readEvents(id)).filter(({ happened }) => happened.kind === 'held');
      expect(told).toHaveLength(1);
      await engine.cancel(id);
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled', commit: null });
    });

    it('is not held by an untracked file that is in nobody’s way', async () => {
      const project = await sample('other', { list: 'one\n' }, 'checkout');
      await project.write({ 'notes.txt': 'untracked and in nobody’s way\n' });
      const id = await submit(project, 'echo x > work');
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
      expect(await project.git('status', '--porcelain')).toBe('?? notes.txt');
    });
  });

  describe('on an origin', () => {
    it('to which a person pushes while a gate runs has the candidate built and gated again', async () => {
      const project = await sample('pushed', {});
      await project.commit('A gate that waits', { 'gate.sh': waitingGate('pushed') });
      const id = await submit(project, 'echo x > work');
      await eventually('the first run', async () => (await runsOf('pushed')) === 1);
      await project.commit('A person was faster', { person: 'here\n' });
      const persons = await project.tip();
      await open('pushed');
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 1, revisions: 0 });
      expect(await runsOf('pushed')).toBe(2);
      expect(await project.subjects()).toEqual(['Work', 'A person was faster', 'A gate that waits', 'Begin']);
      expect(await project.originGit('rev-parse', 'refs/heads/main^1')).toBe(persons);
      expect(await project.read('person')).toBe('here');
      expect(await project.read('work')).toBe('x');
    });

    it('that is away for a while holds landing, which goes on by itself', async () => {
      const project = await sample('away', { 'gate.sh': waitingGate('away') });
      const id = await submit(project, 'echo x > work');
      await eventually('the gate', async () => (await runsOf('away')) === 1);
      await rename(project.origin, `${project.origin}.away`);
      await open('away');
      const view = await engine.untilWaiting(id, 'origin');
      expect(view).toMatchObject({ state: 'landing' });
      expect(view.waitingFor?.text).toContain(project.origin);
      await rename(`${project.origin}.away`, project.origin);
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 1 });
      expect(await project.subjects()).toEqual(['Work', 'Begin']);
    });

    it('that is away when an attempt ends is waited for, and what the agent left is stored', async () => {
      const { project, id } = await leftWithoutOrigin('late');
      expect((await engine.detail(id)).view).toMatchObject({ state: 'running', attempt: 1, failure: null });
      await rename(`${project.origin}.away`, project.origin);
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 1 });
      expect(await project.subjects()).toEqual(['Work', 'Begin']);
    });

    it('that is waited for keeps no task from being canceled', async () => {
      const { project, id } = await leftWithoutOrigin('given-up');
      await engine.cancel(id);
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
      await rename(`${project.origin}.away`, project.origin);
      expect(await project.subjects()).toEqual(['Begin']);
    });

    it('whose tasks.yaml a person breaks holds landing and names the mend, and goes on when it is mended', async () => {
      const project = await sample('broken', { 'gate.sh': waitingGate('broken') });
      const id = await submit(project, 'echo x > work');
      await eventually('the gate', async () => (await runsOf('broken')) === 1);
      const good = await project.read('tasks.yaml');
      await project.commit('Break it', { 'tasks.yaml': `${good}\nbraanch: main\n` });
      await open('broken');
      const view = await engine.untilWaiting(id, 'gate');
      expect(view).toMatchObject({ state: 'landing' });
      expect(view.waitingFor?.text).toMatch(/tasks\.yaml: .*braanch.*did you mean branch/);
      await project.commit('Mend it', { 'tasks.yaml': `${good}\n` });
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
      expect(await project.subjects()).toEqual(['Work', 'Mend it', 'Break it', 'Begin']);
    });

    it('whose history a person rewrites while the agent works lands on the new one', async () => {
      const project = await sample('rewritten', { list: 'one\n' });
      const go = join(engine.home, 'go-rewritten');
      const id = await submit(project, `while [ ! -e '${go}' ]; do sleep 0.02; done; echo x > work`);
      await engine.started(id, 'rewritten');
      await project.git('commit', '--quiet', '--amend', '-m', 'Begin otherwise');
      await project.git('push', '--quiet', '--force', 'origin', 'main');
      await writeFile(go, '');
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
      expect(await project.subjects()).toEqual(['Work', 'Begin otherwise']);
    });

    it('whose branch is renamed ends landing, and names the branch and the mend', async () => {
      const project = await sample('gone', { 'gate.sh': waitingGate('gone') });
      const id = await submit(project, 'echo x > work');
      await eventually('the gate', async () => (await runsOf('gone')) === 1);
      await project.originGit('branch', '-m', 'main', 'trunk');
      await open('gone');
      const view = await engine.untilEnded(id);
      expect(view).toMatchObject({ state: 'failed', failure: { kind: 'bad-configuration' } });
      expect(view.failure?.message).toContain('has no branch "main": it was renamed or deleted');
      expect(view.failure?.next).toContain('git push origin NEW:refs/heads/main');
    });

    it('that refuses the commit ends landing with its own words', async () => {
      const project = await sample('large');
      const hook = join(project.origin, 'hooks', 'pre-receive');
      await writeFile(
        hook,
        `#!/bin/sh\ngrep -q refs/heads/main || exit 0\necho 'GH001: Large files detected: ask Grace' >&2\nexit 1\n`,
      );
      await chmod(hook, 0o755);
      const id = await submit(project, 'echo x > work');
      const view = await engine.untilEnded(id);
      expect(view).toMatchObject({ state: 'failed', failure: { kind: 'landing-refused' } });
      expect(view.failure?.message).toContain('GH001: Large files detected: ask Grace');
      expect(view.failure?.next).toMatch(/push to main/);
      expect(await project.subjects()).toEqual(['Begin']);
    });

    it('is refused under the name of another one’s project, and nothing of it lands', async () => {
      const [owner, stranger] = [await sample('taken'), await sample('taken')];
      expect(await engine.untilEnded(await submit(owner, 'echo x > work'))).toMatchObject({ state: 'landed' });
      const view = await engine.untilEnded(await submit(stranger, 'echo x > work'));
      expect(view).toMatchObject({ state: 'failed', commit: null, failure: { kind: 'project-taken' } });
      expect(view.failure?.message).toContain('project name taken');
      expect(view.failure?.next).toMatch(
        /if the repository has moved, tasks doctor .* another project name in tasks\.yaml/,
      );
      expect(await stranger.subjects()).toEqual(['Begin']);
      expect(await owner.subjects()).toEqual(['Work', 'Begin']);
    });

    it('is refused so by the queue, too, when no ledger could tell', async () => {
      const [owner, stranger] = [await sample('unbound'), await sample('unbound')];
      await engine.loseLedger();
      try {
        await engine.until(await submit(owner, 'echo x > work'), 'landed', (view) => view.state === 'landed');
        const id = await submit(stranger, 'echo x > work');
        const view = await engine.until(id, 'failed', (seen) => seen.state === 'failed');
        expect(view.failure).toMatchObject({ kind: 'project-taken', message: expect.stringContaining(owner.origin) });
      } finally {
        await engine.findLedger();
      }
      expect(await stranger.subjects()).toEqual(['Begin']);
    });

    it('and another one beside it get each their own work, at the same time', async () => {
      const gate = `while [ ! -e '${engine.home}/meet' ]; do sleep 0.02; done\n`;
      const projects = [await sample('left', { 'gate.sh': gate }), await sample('right', { 'gate.sh': gate })] as const;
      const ids = await Promise.all(projects.map((project, side) => submit(project, `echo ${side} > work`)));
      await eventually('both in line', async () => {
        const rows = await Promise.all([engine.queue('left'), engine.queue('right')]);
        return rows.every((queue) => queue.rows.length === 1);
      });
      await writeFile(join(engine.home, 'meet'), '');
      for (const id of ids) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
      for (const [side, project] of projects.entries()) {
        expect(await project.read('work')).toBe(String(side));
        expect(await project.subjects()).toEqual(['Work', 'Begin']);
      }
    });
  });
});
