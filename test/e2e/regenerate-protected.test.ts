/** Work that conflicts with main in nothing but a file that main's rules make anew. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

const LONG_GATE = `# first\n${'#\n'.repeat(10)}${GATE}\n${'#\n'.repeat(10)}# last\n`;

describe('a task that conflicts in a file that a rule makes anew', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.start({ sharesHome: false });
  });
  afterAll(async () => {
    await engine.stop();
  });

  /** Its work adds a dependency, and waits for a person; then a person adds one to main. */
  const conflicting = async (name: string, does = ''): Promise<{ id: TaskId; project: SampleProject }> => {
    // Beside the engine's files it would fail, and the agent would be had to revise.
    const run = `test ! -e '${engine.home}/spool' || exit 3; ls deps > lock`;
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(
        `  phases: [execute, revise]\nprotected: [lock]\nmerges: [{paths: [lock], by: regenerate, run: ${JSON.stringify(run)}}]\n`,
      ).replace('sample', name),
      'gate.sh': LONG_GATE,
      'deps/a': '',
      lock: 'a\n',
      'agent.sh': agentScript({ execute: `touch deps/b; ls deps > lock; ${does}`, revise: 'touch agent-revised' }),
    });
    const id = await engine.submit(project, { title: 'Add b', attempts: 1 });
    await engine.untilWaiting(id, 'proposal');
    return { id, project };
  };

  it('lands without an agent and without being asked about again, though the file is protected', async () => {
    const { id, project } = await conflicting('anew');
    await project.commit('Add c', { 'deps/c': '', lock: 'a\nc\n' });
    await engine.reply(id, 'approve', {});
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await project.read('lock')).toBe('a\nb\nc');
    await expect(project.read('agent-revised')).rejects.toThrow();
  });

  it('waits for a person once more where the merge has made something new of another protected file', async () => {
    const { id, project } = await conflicting('anew-guarded', 'sed -i "s/^# first/# stricter/" gate.sh');
    await project.commit('Add c', {
      'deps/c': '',
      lock: 'a\nc\n',
      'gate.sh': LONG_GATE.replace('# last', '# at last'),
    });
    const before = await project.tip();
    await engine.reply(id, 'approve', {});
    await engine.until(id, 'asked again', ({ waitingFor }) => /confined by: gate\.sh$/m.test(waitingFor?.text ?? ''));
    expect(await project.tip()).toBe(before);
    await engine.reply(id, 'approve', {});
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await project.read('gate.sh')).toMatch(/# stricter[^]*# at last/);
    expect(await project.read('lock')).toBe('a\nb\nc');
  });
});
