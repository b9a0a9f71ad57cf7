/** Lock files that two tasks have changed: made anew by main's command, without an agent, or by the agent when that fails. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

/** Lists what is wanted, as a lock file does: two that were made apart conflict. */
const LOCK_SCRIPT = '{ ls deps | wc -l; ls deps; } > lock\n';
const GATE = '{ ls deps | wc -l; ls deps; } | cmp - lock\n';
const CONFINED = 'test "$CI" = true && test -z "${TASKS_PROMPT_FILE:-}"';

let engine: Engine;

/** Two tasks that each add something to be locked, from the same main. */
async function both(name: string, run: string, revise: string): Promise<[SampleProject, readonly TaskView[]]> {
  const project = await SampleProject.create({
    'tasks.yaml': projectFile(
      `merges: [${JSON.stringify({ paths: ['lock'], by: 'regenerate', run })}]\napprove: []`,
    ).replace('sample', name),
    'gate.sh': GATE,
    'lock.sh': LOCK_SCRIPT,
    'deps/base': '',
    lock: '1\nbase\n',
    'agent.sh': agentScript({
      execute: `while [ ! -e "$TASKS_TASK_DIR/go" ]; do sleep 0.02; done
    touch "deps/$(cat "$TASKS_TASK_DIR/go")"; sh lock.sh`,
      revise,
    }),
  });
  const first = await engine.submit(project, { title: 'First' });
  const second = await engine.submit(project, { title: 'Second' });
  await engine.tell(first, name, 'go', 'first');
  await engine.tell(second, name, 'go', 'second');
  return [project, [await engine.untilEnded(first), await engine.untilEnded(second)]];
}

const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

describe('two tasks that conflict in a lock file', () => {
  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  it("land both without an agent's revision, with a lock file made anew of both", async () => {
    const [project, views] = await both('anew', `${CONFINED} && sh lock.sh`, 'touch revised; exit 1');
    expect(views.map(({ state, revisions, summary }) => ({ state, revisions, summary }))).toEqual([
      { state: 'landed', revisions: 0, summary: 'execute' },
      { state: 'landed', revisions: 0, summary: 'execute' },
    ]);
    expect(ascending(views.map(({ attempt }) => attempt))).toEqual([3, 4]);
    expect(await project.read('lock')).toMatch(/^ *3\nbase\nfirst\nsecond$/);
    expect(await project.originGit('ls-tree', '--name-only', 'refs/heads/main')).not.toContain('revised');
    expect((await project.subjects()).toSorted()).toEqual(['Begin', 'First', 'Second']);
  });

  it.each([
    ['fails', 'failing', 'echo "the registry is gone"; exit 3', 'the registry is gone'],
    [
      'changes something else',
      'straying',
      'sh lock.sh; echo x > stray',
      'more than the files to be made anew: "stray"',
    ],
  ])('go to the agent, with what went wrong, when the command %s', async (_how, name, run, told) => {
    const revise = `grep -q '${told}' "$TASKS_PROMPT_FILE"; grep -q '^<<<<<<<' lock; test ! -e stray; sh lock.sh`;
    const [project, views] = await both(name, run, revise);
    expect(views.map(({ state }) => state)).toEqual(['landed', 'landed']);
    expect(ascending(views.map(({ revisions }) => revisions))).toEqual([0, 1]);
    expect(ascending(views.map(({ attempt }) => attempt))).toEqual([3, 5]);
    expect(await project.read('lock')).toMatch(/^ *3\nbase\nfirst\nsecond$/);
    expect(await project.originGit('ls-tree', '--name-only', 'refs/heads/main')).not.toContain('stray');
  });
});
