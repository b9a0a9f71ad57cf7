/** Files of a checkout in workspaces: found by set-up and agents, and stored nowhere. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

const KEY = 'k3y-of-the-project-0123456789';
const FILES = { '.gitignore': '.env*\n', '.worktreeinclude': '.env\n' };

async function projectOf(name: string, execute: string): Promise<SampleProject> {
  return SampleProject.create({
    ...FILES,
    'tasks.yaml': `${projectFile('  phases: [execute]').replace('sample', name)}setup: "test ! -e .env || cp .env .env.seen"\n`,
    'gate.sh': `test ! -e .env\n${GATE}`,
    'agent.sh': agentScript({ execute }),
  });
}

describe('a project with a .worktreeinclude', () => {
  let engine: Engine;
  let works: SampleProject;
  let leaks: SampleProject;
  let away: SampleProject;

  beforeAll(async () => {
    works = await projectOf(
      'works',
      '. ./.env; echo "the key is $API_KEY"; test -n "$API_KEY" && test -e .env.seen && echo x > work',
    );
    leaks = await projectOf('leaks', 'echo nothing > .gitignore; echo x > work');
    away = await SampleProject.create({
      ...FILES,
      'tasks.yaml': projectFile('  phases: [execute]').replace('sample', 'away'),
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: 'test ! -e .env && echo x > work' }),
    });
    for (const project of [works, leaks, away]) await project.write({ '.env': `API_KEY=${KEY}\n` });
    engine = await Engine.start({
      hostFile: () => `checkouts: {works: ${works.clone}, leaks: ${leaks.clone}}\n`,
    });
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('has set-up and the agent find what it names, not the gate, and keys of it out of the log', async () => {
    const id = await engine.submit(works, { title: 'Work', attempts: 1 });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await works.originGit('ls-tree', '--name-only', 'main')).not.toMatch(/^\.env$/m);
    const logs = (await engine.ledger.readLogs(id, null, 10_000)).map((chunk) => chunk.text).join('');
    expect(logs).toContain('the key is [secret API_KEY of .env]');
    expect(logs).not.toContain(KEY);
  });

  it('stops an agent that has it committed, before anything is pushed', async () => {
    const id = await engine.submit(leaks, { title: 'Leak', attempts: 1 });
    const view = await engine.untilWaiting(id, 'attempts');
    expect(view.failure).toMatchObject({ kind: 'secret-found', message: expect.stringContaining('API_KEY of .env') });
    // The attempt's own ref holds a commit of main, as at its beginning.
    expect(await leaks.originGit('for-each-ref', '--format=%(objectname)', `refs/tasks/${id}`)).toBe(await leaks.tip());
    await engine.cancel(id);
  });

  it('says in the history that this host has no checkout, and goes on without', async () => {
    const id = await engine.submit(away, { title: 'Away', attempts: 1 });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const events = await engine.ledger.readEvents(id);
    const notes = events.flatMap(({ happened }) => (happened.kind === 'attempt-ended' ? (happened.notes ?? []) : []));
    expect(notes).toContainEqual(
      expect.stringMatching(/^not copied by \.worktreeinclude: host \S+ has no checkout of away/),
    );
  });
});
