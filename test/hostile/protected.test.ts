import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import { happenedText } from '../../src/cli/render/task.ts';
import type { Happened } from '../../src/core/task-events.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

describe('an agent that changes what its own work is judged by', () => {
  let engine: Engine;
  let count = 0;
  beforeAll(async () => {
    engine = await Engine.start({ sharesHome: false });
  });
  afterAll(async () => {
    await engine.stop();
  });

  const submit = async (does: string, more = ''): Promise<{ id: TaskId; project: SampleProject; before: string }> => {
    count += 1;
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(`  phases: [execute, revise]\n${more}`).replace('sample', `protected-${count}`),
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: does }),
      'package.json': '{"scripts":{"test":"sh gate.sh"}}\n',
      'web/package.json': '{"scripts":{"test":"exit 1"}}\n',
      'pyproject.toml': '[tool.pytest.ini_options]\naddopts = "-ra"\n',
      'test/one.test.js': 'one\n',
      'test/two.test.js': 'two\n',
    });
    const id = await engine.submit(project, { title: 'Work', attempts: 1 });
    return { id, project, before: await project.tip() };
  };

  it.each([
    ['the script that its gate names', 'echo true > gate.sh; touch broken', '', 'gate.sh'],
    ['tasks.yaml, to run without a sandbox', "printf 'sandbox: off\\n' >> tasks.yaml", '', 'tasks.yaml'],
    ['the shell that npm runs scripts with', 'echo script-shell=true > .npmrc; touch broken', '', '.npmrc'],
    ['the configuration of a test runner', 'echo x > jest.config.js', '', 'jest.config.js'],
    [
      'the scripts of a package that its gate goes to',
      `printf '{"scripts":{"test":"true"}}' > web/package.json; echo x > work`,
      'setup: cd web && npm run --silent none || true',
      'web/package.json',
    ],
    [
      "a test runner's part of a file, by a link in its place",
      'rm pyproject.toml; ln -s /dev/null pyproject.toml; echo x > work',
      '',
      'pyproject.toml',
    ],
    ['what the project protects', 'mkdir ci; echo x > ci/deploy; echo y > work', 'protected: [ci/]', 'ci/deploy'],
  ])(
    '(%s) waits for a person, who is shown it as what it is; main stays as it was',
    async (_what, does, more, path) => {
      const { id, project, before } = await submit(does, more);
      const view = await engine.untilWaiting(id, 'proposal');
      expect(view.waitingFor?.text).toContain('changes what its own work is judged and confined by');
      expect(view.waitingFor?.text).toContain(path);
      expect(await project.tip()).toBe(before);
      await engine.reply(id, 'reject', { reason: 'no' });
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'rejected' });
      expect(await project.tip()).toBe(before);
    },
  );

  it('has it landed once a person has approved it', async () => {
    const { id, project } = await submit("printf '# stricter\\n' >> gate.sh; echo x > work");
    await engine.untilWaiting(id, 'proposal');
    await engine.reply(id, 'approve', {});
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.read('gate.sh')).toContain('# stricter');
  });

  it('stores it with a question, and then has a patch approved that cannot be stored: that attempt has failed', async () => {
    const question = JSON.stringify({ status: 'question', question: 'Which?' });
    const proposal = { kind: 'patch', title: 'A comma', body: 'Nothing but a comma.' };
    const patch = JSON.stringify({ status: 'proposal', proposal });
    const { id, project, before } = await submit(
      `if [ -e asked ]; then git init -q inner; printf '%s' '${patch}' > "$TASKS_REPORT_FILE"
       else touch asked; echo true > gate.sh; printf '%s' '${question}' > "$TASKS_REPORT_FILE"; fi`,
    );
    await engine.untilWaiting(id, 'question');
    await engine.answer(id, 'This one.');
    const view = await engine.until(id, 'waiting again', ({ waitingFor }) =>
      ['proposal', 'attempts'].includes(waitingFor?.kind ?? ''),
    );
    expect(view).toMatchObject({ waitingFor: { kind: 'attempts' }, failure: { kind: 'nested-repository' } });
    await engine.cancel(id);
    await engine.untilEnded(id);
    expect(await project.tip()).toBe(before);
  });

  it('weakens the gate and has that approved: its work is judged by the gate of main all the same', async () => {
    const { id, project, before } = await submit(`sed -i 's/^gate: .*/gate: "true"/' tasks.yaml; touch broken`);
    await engine.untilWaiting(id, 'proposal');
    await engine.reply(id, 'approve', {});
    const view = await engine.until(
      id,
      'sent back',
      ({ endedAt, waitingFor, revisions }) =>
        endedAt !== null || revisions > 0 || (waitingFor !== null && waitingFor.kind !== 'proposal'),
    );
    expect(view.state).not.toBe('landed');
    const log = await eventually('the log of its gate', async () => {
      const text = (await engine.ledger.readLogs(id, null, 1_000)).map((chunk) => chunk.text).join('');
      return text.includes('broken is there') ? text : null;
    });
    expect(log).toContain('broken is there');
    expect(await project.tip()).toBe(before);
    await engine.cancel(id);
    await engine.untilEnded(id);
    expect(await project.tip()).toBe(before);
  });

  it('removes tests: they are its own, and are named in the record of its landing, but one that is only moved', async () => {
    const { id, project } = await submit('git rm -q test/one.test.js; git mv test/two.test.js test/moved.test.js');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const trailer = '--format=%(trailers:key=Removed-Test,valueonly,separator=%x2C)';
    expect(await project.originGit('log', '-1', trailer, 'main')).toBe('test/one.test.js');
    const landed: Happened = await eventually('its landing on record', async () =>
      (await engine.ledger.readEvents(id)).map(({ happened }) => happened).find(({ kind }) => kind === 'landed'),
    );
    expect(landed).toMatchObject({ landing: { removedTests: ['test/one.test.js'] } });
    expect(happenedText(landed)).toMatch(/^landed as \w+; it removes tests: test\/one\.test\.js$/);
  });

  it('is asked about nothing when it changes other files', async () => {
    const { id, project } = await submit('echo x > work; printf \'{"scripts":{"test":"true"}}\' > package.json');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.originGit('log', '-1', '--format=%B', 'main')).not.toContain('Removed-Test');
  });
});
