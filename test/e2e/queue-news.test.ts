import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NoticeInput, NoticeMessage } from '../../src/core/notice-types.ts';
import { controlUpdate, TASK_QUEUES, WORKFLOW_TYPES } from '../../src/workflows/messages.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { listen, type Listener } from '../support/listener.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

const projectOf = (name: string): Promise<SampleProject> =>
  SampleProject.create({
    'tasks.yaml': projectFile('notify: [{ to: hook, events: [queue] }]').replace('sample', name),
    'gate.sh': 'test ! -e broken || { echo broken; exit 1; }\n',
    'agent.sh': agentScript({}),
  });

describe('people who are told of a queue', () => {
  let engine: Engine;
  let listener: Listener;

  beforeAll(async () => {
    listener = await listen();
    engine = await Engine.start({
      hostFile: () => `targets:\n  hook: {webhook: "${listener.url}"}\n`,
      ui: 'http://ui.test',
    });
  });

  beforeEach(() => {
    listener.heard.length = 0;
  });

  afterAll(async () => {
    await engine.stop();
    await listener.close();
  });

  const heard = (): NoticeMessage[] => listener.heard.map(({ body }) => JSON.parse(body) as NoticeMessage);
  it('hear that main is red and what to do, and that landing goes on, once each', async () => {
    const project = await projectOf('told-red');
    await project.commit('A person breaks main', { broken: 'x' });
    const id = await engine.submit(project, { title: 'task1', work: { kind: 'shell', run: 'echo x > task1' } });
    await eventually('the notice', () => heard().length === 1);
    await project.git('rm', '-q', 'broken');
    await project.commit('And mends it', {});
    // The next look would see it within a minute; a hotfix is looked at now.
    const mend = await engine.submit(project, {
      title: 'hotfix',
      work: { kind: 'shell', run: 'echo x > task2' },
      spec: { priority: 'hotfix' },
    });
    for (const one of [id, mend]) expect(await engine.untilEnded(one)).toMatchObject({ state: 'landed' });
    await eventually('the second notice', () => heard().length === 2);
    expect(heard()).toMatchObject([
      {
        event: 'queue',
        task: null,
        title: 'Landing has stopped: main is red (told-red, main)',
        commands: [
          'tasks queue --project told-red',
          'tasks submit --priority hotfix "mend main"',
          'tasks queue resume --project told-red',
        ],
        url: expect.stringContaining('integration%2Ftold-red%2Fmain'),
      },
      { event: 'queue', title: 'Landing goes on (told-red, main)' },
    ]);
  });

  it('hear of a main that was rewritten, and not of a pause of their own', async () => {
    const project = await projectOf('told-rewritten');
    const land = (name: string) =>
      engine.submit(project, { title: name, work: { kind: 'shell', run: `echo x > ${name}` } });
    expect(await engine.untilEnded(await land('task1'))).toMatchObject({ state: 'landed' });
    const control = (action: 'pause' | 'resume') =>
      engine.client.workflow
        .getHandle('integration/told-rewritten/main')
        .executeUpdate(controlUpdate, { args: [{ action, actor: 'Ada' }] });
    await control('pause');
    await control('resume');
    await project.git('commit', '-q', '--amend', '--allow-empty', '-m', 'Another beginning');
    await project.git('push', '-q', '--force', 'origin', 'HEAD:main');
    const second = await land('task2');
    await eventually('the notice', () => heard().length === 1);
    expect(heard()).toMatchObject([
      {
        title: expect.stringMatching(/^Landing has stopped: main was rewritten/),
        commands: ['tasks queue --project told-rewritten', 'tasks queue resume --project told-rewritten'],
      },
    ]);
    await control('resume');
    expect(await engine.untilEnded(second)).toMatchObject({ state: 'landed' });
    await eventually('the second notice', () => heard().length === 2);
    expect(heard()[1]?.title).toBe('Landing goes on (told-rewritten, main)');
    // What main has lost lands again by the command that they were told.
    const [, lost = ''] = /: \w+ task1 \((\w+)\)/.exec(heard()[0]?.text ?? '') ?? [];
    const [, run = ''] = /--run "([^"]+)"/.exec(heard()[0]?.text ?? '') ?? [];
    const again = await engine.submit(project, {
      title: 'task1',
      work: { kind: 'shell', run: run.replace('COMMIT', lost) },
    });
    expect(await engine.untilEnded(again)).toMatchObject({ state: 'landed' });
    expect(await project.read('task1')).toBe('x');
  });

  it('do not hear at the end of quiet hours what the queue has settled since', async () => {
    const project = await projectOf('told-late');
    const id = await engine.submit(project, { title: 'task1', work: { kind: 'shell', run: 'echo x > task1' } });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const notice: NoticeInput = {
      notice: {
        id: 'notice/told-late/main/red-1',
        event: 'queue',
        project: 'told-late',
        task: null,
        queue: { branch: (await engine.detail(id)).view.branch, kind: 'stopped' },
        title: 'Landing has stopped',
        text: '',
        commands: [],
        url: null,
        at: new Date(Date.now() - 3_600_000).toISOString(),
        sequence: 0,
        versions: [],
      },
      deliveries: [{ to: 'hook', notBeforeMs: null }],
    };
    const outcome = await engine.client.workflow.execute(WORKFLOW_TYPES.notice, {
      workflowId: notice.notice.id,
      taskQueue: TASK_QUEUES.tasks,
      args: [notice],
    });
    expect(outcome).toEqual([{ to: 'hook', kind: 'settled', said: 'landing goes on' }]);
    expect(heard()).toEqual([]);
  });
});
