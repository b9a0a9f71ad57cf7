/** A person at the command line, with an engine whose agent asks, plans and proposes by the words of a task's title. */

import { afterAll, beforeAll, expect } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AskView } from '../../src/core/ask-types.ts';
import type { TaskId } from '../../src/core/ids.ts';
import type { Exchange, TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliOptions, type CliPlace, type CliRun } from './rig.ts';
import { atTerminal, type TerminalRun, type Typed } from './terminal.ts';

export type Shown = TaskView & {
  readonly asks: readonly (AskView & { readonly commands: readonly string[] })[];
  readonly exchanges: readonly Exchange[];
  readonly events: readonly { readonly happened: { readonly kind: string } }[];
};

const REPORT = `> "$TASKS_REPORT_FILE"`;
const QUESTIONS = JSON.stringify({
  status: 'question',
  questions: [{ question: 'Which colour?', choices: ['red', 'blue'], default: 'red' }, { question: 'How many?' }],
});
const TASKS = JSON.stringify({
  status: 'proposal',
  proposal: {
    kind: 'tasks',
    title: 'Further work',
    body: 'All of it',
    items: [{ title: 'One', body: 'first' }, { title: 'Two' }, { title: 'Three' }],
  },
});
/** What the agent does depends on words of the title. */
const PLAN = [
  `printf '# Plan\\n\\nwrite draft\\n' > "$TASKS_TASK_DIR/plan.md"`,
  `if grep -q 'Ask two' "$TASKS_PROMPT_FILE" && ! grep -q 'blue' "$TASKS_PROMPT_FILE"; then printf '%s' '${QUESTIONS}' ${REPORT}; fi`,
  `if grep -q 'Split it' "$TASKS_PROMPT_FILE" && ! grep -q 'decided, each' "$TASKS_PROMPT_FILE"; then printf '%s' '${TASKS}' ${REPORT}; fi`,
].join('\n    ');
const EXECUTE = `cp "$TASKS_TASK_DIR/plan.md" "plan-$TASKS_TASK_ID.md"; cp "$TASKS_PROMPT_FILE" "prompt-$TASKS_TASK_ID.md"`;

export class People {
  readonly engine: Engine;
  readonly project: SampleProject;
  readonly place: CliPlace;

  private constructor(engine: Engine, project: SampleProject) {
    this.engine = engine;
    this.project = project;
    this.place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
  }

  static async start(): Promise<People> {
    const engine = await Engine.start();
    const project = await SampleProject.create(
      {
        'tasks.yaml': projectFile('  phases: [plan, execute]\nattempts: 1'),
        'gate.sh': GATE,
        'agent.sh': agentScript({ plan: PLAN, execute: EXECUTE }),
      },
      'bare',
    );
    await project.git('fetch', '--quiet', 'origin');
    return new People(engine, project);
  }

  tasks(
    argv: readonly string[],
    options: CliOptions = {},
    more: Readonly<Record<string, string>> = {},
  ): Promise<CliRun> {
    return cli({ ...this.place, env: { ...this.place.env, ...more } }, argv, options);
  }

  typing(argv: readonly string[], typed: readonly Typed[]): Promise<TerminalRun> {
    return atTerminal(this.place, argv, typed);
  }

  async submit(...args: string[]): Promise<TaskId> {
    const result = await this.tasks(['submit', ...args, '--json']);
    expect(result.stderr).toBe('');
    const [submitted] = result.json<{ id: TaskId }>();
    if (submitted === undefined) throw new Error('nothing was submitted');
    return submitted.id;
  }

  /** One that waits with its questions. */
  async withQuestions(title: string): Promise<TaskId> {
    const id = await this.submit(title);
    await this.engine.untilWaiting(id, 'question');
    return id;
  }

  /** One that waits with its plan. */
  async withPlan(title: string): Promise<TaskId> {
    const id = await this.submit(title, '--approve', 'plan');
    await this.engine.untilWaiting(id, 'proposal');
    return id;
  }

  async show(id: TaskId): Promise<Shown> {
    const [shown] = (await this.tasks(['show', id, '--json'])).json<Shown>();
    if (shown === undefined) throw new Error('nothing is shown');
    return shown;
  }

  /** The titles of so many tasks that one proposed, once they are listed. */
  proposedBy(id: TaskId, count: number): Promise<string[]> {
    return eventually(`${count} tasks of ${id} to be listed`, async () => {
      const listed = (await this.tasks(['list', '--all', '--json'])).json<TaskView>();
      const titles = listed.filter(({ parent }) => parent === id).map(({ title }) => title);
      return titles.length === count ? titles.sort() : null;
    });
  }

  /** An editor that runs a line of shell on "$1". */
  async editor(name: string, line: string): Promise<string> {
    const path = join(this.engine.home, `${name}.sh`);
    await writeFile(path, `#!/bin/sh\n${line}\n`);
    await chmod(path, 0o755);
    return path;
  }
}

/** Starts it before the tests of the describe that this is called in, and stops it after them. */
export function startPeople(): () => People {
  let people: People | null = null;
  const started = (): People => {
    if (people === null) throw new Error('not started yet');
    return people;
  };
  beforeAll(async () => {
    people = await People.start();
  });
  afterAll(async () => {
    await people?.engine.stop();
  });
  return started;
}
