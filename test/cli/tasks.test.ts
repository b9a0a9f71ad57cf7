/** The commands that people use all day, against a real Temporal, a real Postgres and a real worker. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { taskIdFromBytes, type TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliOptions, type CliRun } from './rig.ts';

interface Submitted {
  readonly id: TaskId;
  readonly state: string;
  readonly existing: boolean;
}

const ASK = `grep -q 'yes' "$TASKS_PROMPT_FILE" || printf '{"status":"question","question":"Sure?"}' > "$TASKS_REPORT_FILE"`;

describe('with a worker', () => {
  let engine: Engine;
  let project: SampleProject;
  let env: Record<string, string>;

  beforeAll(async () => {
    engine = await Engine.start();
    project = await SampleProject.create(
      {
        'tasks.yaml': projectFile('  phases: [plan, execute]\nattempts: 1'),
        'gate.sh': GATE,
        'agent.sh': agentScript({ plan: ASK, execute: 'echo work > asked' }),
      },
      'bare',
    );
    await project.git('fetch', '--quiet', 'origin');
    env = cliEnvironment(engine.home, engine.servers);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const tasks = (argv: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
    cli({ cwd: project.clone, env }, argv, options);

  async function submit(...args: string[]): Promise<TaskId> {
    const result = await tasks(['submit', ...args, '--json']);
    expect(result.stderr).toBe('');
    const [submitted] = result.json<Submitted>();
    if (submitted === undefined) throw new Error('nothing was submitted');
    return submitted.id;
  }

  it('submits a shell task, waits for it, and exits with 0 when it has landed', async () => {
    const result = await tasks(['submit', 'Make a file', '--run', 'echo 1 > one', '--wait', '--json']);
    const [submitted, ended] = result.json<Submitted & TaskView>();
    expect(result.stderr).toBe('');
    expect(submitted).toMatchObject({ title: 'Make a file', project: 'sample', state: 'queued', existing: false });
    expect(ended).toMatchObject({ id: submitted?.id, state: 'landed', commit: await project.tip(), owner: 'Ada' });
    expect(result.code).toBe(0);
    const shown = (await tasks(['show', String(submitted?.id).slice(0, 6), '--json'])).json<TaskView>();
    expect(shown).toEqual([expect.objectContaining({ state: 'landed', title: 'Make a file', waitingFor: null })]);
  });

  it('submits many from JSON lines, in their order, and the same request once', async () => {
    const lines = ['a', 'b', 'c'].map((name) =>
      JSON.stringify({ title: `Task ${name}`, run: 'true', 'request-id': `many-${name}` }),
    );
    const stdin = lines.join('\n');
    const first = (await tasks(['submit', '--from', '-', '--json'], { stdin })).json<Submitted & TaskView>();
    expect(first.map(({ title, existing }) => [title, existing])).toEqual([
      ['Task a', false],
      ['Task b', false],
      ['Task c', false],
    ]);
    const again = await tasks(['submit', '--from', '-', '--json', '--wait'], { stdin });
    const lined = again.json<Submitted & TaskView>();
    expect(lined.slice(0, 3).map(({ id, existing }) => [id, existing])).toEqual(first.map(({ id }) => [id, true]));
    expect(lined.slice(3).map(({ state }) => state)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    expect(again.code).toBe(0);
    const renamed = await tasks(['submit', 'Another title', '--run', 'false', '--request-id', 'many-b']);
    expect(renamed.stdout).toBe(`${first[1]?.id}  Task b  (submitted before, unchanged)\n`);
  });

  it('names who waits for a person while it waits, and goes on when somebody answers', async () => {
    const id = await submit('Ask first');
    const answers: Promise<CliRun>[] = [];
    const waited = await tasks(['wait', id], {
      onStderr: (text) => {
        if (text.includes('tasks answer') && answers.length === 0)
          answers.push(tasks(['answer', id.slice(0, 7), 'yes']));
      },
    });
    expect(waited.stderr).toBe(`${id} waits for an answer: Sure? — reply with: tasks answer ${id}@1 "…"\n`);
    expect(await answers[0]).toMatchObject({ code: 0, stdout: `${id}@1  goes on with the answer\n` });
    expect(waited.stdout).toMatch(new RegExp(`^${id} {2}landed {2}Ask first {2}as [0-9a-f]{12}\n$`));
    expect(waited.code).toBe(0);
    const [shown] = (await tasks(['show', id, '--json'])).json<{ exchanges: object[]; events: object[] }>();
    expect(shown?.exchanges).toEqual([expect.objectContaining({ question: 'Sure?', answer: 'yes', actor: 'Ada' })]);
    expect(shown?.events.length).toBeGreaterThan(5);
  });

  it('ends where only people are waited for, lists it in the inbox, and refuses an answer too many', async () => {
    const id = await submit('Ask nobody');
    const waited = await tasks(['wait', id, '--no-wait-for-people', '--json']);
    expect(waited.code).toBe(1);
    expect(waited.json<TaskView>()).toMatchObject([{ id, state: 'waiting' }]);
    expect(waited.stderr).toContain(`tasks answer ${id}`);
    const inbox = (await tasks(['inbox', '--json'])).json<TaskView & { reply: string }>();
    expect(inbox.map((view) => [view.id, view.reply])).toEqual([[id, `tasks answer ${id}@1 "…"`]]);
    const timed = await tasks(['wait', id, '--timeout', '1s', '--json']);
    expect(timed.stderr).toContain(
      `${id} has not ended within 1 s; nothing was stopped: it waits for a person, see tasks inbox; wait again with`,
    );
    expect(timed.code).toBe(124);
    expect((await tasks(['answer', id, '--file', '-'], { stdin: 'yes\nreally' })).code).toBe(0);
    expect((await tasks(['wait', id])).code).toBe(0);
    const late = await tasks(['answer', id, 'no']);
    expect(late.code).toBe(1);
    expect(late.stderr).toMatch(
      /^tasks: .*nothing is open that waits for a reply; 1 was answered by Ada at .*the task has ended/,
    );
    expect((await tasks(['inbox', '--json'])).stdout).toBe('');
  });

  it('retries a task that waits after its last attempt, and refuses what cannot be retried', async () => {
    const flag = join(engine.home, 'mended');
    const id = await submit('Fail at first', '--run', `test -e '${flag}' && echo x > mended`);
    expect((await tasks(['wait', id, '--no-wait-for-people'])).code).toBe(1);
    await writeFile(flag, '');
    expect(await tasks(['retry', id])).toMatchObject({ code: 0, stdout: `${id}  goes on with its next attempt\n` });
    expect((await tasks(['wait', id])).code).toBe(0);
    const refused = await tasks(['retry', id]);
    expect(refused.stderr).toBe(`tasks: ${id}: it ended as landed, there is nothing to retry; submit a new task\n`);
    expect(refused.code).toBe(1);
  });

  it('cancels a task, and begins it again when it is retried', async () => {
    const flag = join(engine.home, 'go');
    const id = await submit(
      'Wait for go',
      '--run',
      `echo begun; while [ ! -e '${flag}' ]; do sleep 0.05; done; echo x > went`,
    );
    await engine.started(id, 'sample');
    const interrupt = new AbortController();
    const onStdout = (text: string) => text.includes('begun') && interrupt.abort();
    expect(await tasks(['logs', id, '-f'], { interrupt: interrupt.signal, onStdout })).toMatchObject({ code: 130 });
    const logs = tasks(['logs', id, '--follow']);
    expect(await tasks(['cancel', id])).toMatchObject({ code: 0 });
    const waited = await tasks(['wait', id, '--json']);
    expect(waited.json<TaskView>()).toEqual([expect.objectContaining({ id, state: 'canceled' })]);
    expect(waited.code).toBe(1);
    expect((await logs).code).toBe(0);
    const twice = await tasks(['cancel', id]);
    expect(twice.stderr).toBe(`tasks: ${id} has ended already (canceled); there is nothing to cancel\n`);
    expect(twice.code).toBe(1);
    const told = await tasks(['cancel', id, '--json']);
    expect(told.json()).toEqual([{ id, cancelRequested: false, state: 'canceled' }]);
    await writeFile(flag, '');
    const person = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Grace' };
    const place = { cwd: engine.home, env: { ...env, ...person, TASKS_ACTOR: '' } };
    expect((await cli(place, ['retry', id, '--json'])).json()).toEqual([{ id, how: 'restarted' }]);
    expect((await tasks(['wait', id, '--json'])).json<TaskView>()).toEqual([
      expect.objectContaining({ id, state: 'landed', attempt: 2 }),
    ]);
    const [shown] = (await tasks(['show', id, '--json'])).json<{ events: { happened: object }[] }>();
    expect(shown?.events.map(({ happened }) => happened)).toContainEqual({ kind: 'retried', actor: 'Grace' });
  });

  it('shows what a task printed, with the attempt and the stream named', async () => {
    const id = await submit('Say something', '--run', 'echo loud; printf "\\033[31mred\\n" >&2; echo x > said');
    expect((await tasks(['wait', id])).code).toBe(0);
    const text = await eventually('the logs', async () => {
      const { stdout } = await tasks(['logs', id]);
      return stdout.includes('loud') ? stdout : null;
    });
    expect(text).toContain('── attempt 1 · agent\n');
    expect(text).toContain('loud\n');
    expect(text).not.toContain('\u001b');
    const chunks = (await tasks(['logs', id, '--json'])).json<{ id: string; stream: string; text: string }>();
    expect(
      chunks
        .filter(({ stream }) => stream === 'agent')
        .map(({ text }) => text)
        .join(''),
    ).toContain('loud');
    expect((await tasks(['logs', id, '--attempt', '9'])).stdout).toBe('');
  });

  it('lists by state and project, and names the queue', async () => {
    const landed = (await tasks(['list', '--state', 'landed,unchanged', '--json'])).json<TaskView>();
    expect(landed.length).toBeGreaterThan(3);
    expect(new Set(landed.map(({ state }) => state))).toEqual(new Set(['landed', 'unchanged']));
    expect((await tasks(['list', '--limit', '2', '--json'])).json()).toHaveLength(2);
    const [queue] = (await tasks(['queue', '--json'])).json<{ project: string; landed: number; rows: object[] }>();
    expect(queue).toMatchObject({ project: 'sample', branch: 'main', rows: [], stopped: null, from: 'workflow' });
    expect((await tasks(['queue'])).stdout).toMatch(/^sample main {2}\d+ landed\n {2}nothing waits\n$/);
  });

  it('pauses a queue, shows what waits and why, changes its order, and resumes it', async () => {
    expect((await tasks(['queue', 'resume'])).stderr).toBe('tasks: the queue is not paused\n');
    expect((await tasks(['queue', 'pause', '--project', 'sample'])).stdout).toContain(
      'lands nothing until: tasks queue resume --project sample\n',
    );
    const [first, second, third] = [
      await submit('Waits', '--run', 'echo x > waits'),
      await submit('Goes', '--run', 'echo x > goes', '--priority', 'bulk'),
      await submit('Leaves', '--run', 'echo x > leaves'),
    ];
    interface Row {
      readonly id: string;
      readonly priority: string;
      readonly waitingFor: string;
      readonly position: number;
    }
    const rows = async (): Promise<readonly Row[]> =>
      (await tasks(['queue', '--json'])).json<{ readonly rows: readonly Row[] }>()[0]?.rows ?? [];
    await eventually('all three to wait', async () => (await rows()).length === 3);
    expect((await rows()).find(({ id }) => id === second)).toMatchObject({ priority: 'bulk', position: 3 });
    expect((await tasks(['queue'])).stdout).toContain(
      'stopped: paused by Ada; to go on: tasks queue resume --project sample\n',
    );
    expect((await tasks(['queue', 'promote', second])).code).toBe(0);
    const [removed] = (await tasks(['queue', 'remove', third, '--json'])).json();
    expect(removed).toEqual({
      project: 'sample',
      branch: 'main',
      action: 'remove',
      actor: 'Ada',
      taskId: third,
      queued: false,
    });
    expect(await tasks(['queue', 'remove', third])).toMatchObject({ code: 1, stdout: '' });
    expect((await rows()).map(({ id }) => id)).toEqual([second, first]);
    expect((await tasks(['queue', 'resume'])).code).toBe(0);
    expect((await tasks(['wait', first, second])).code).toBe(0);
    expect((await tasks(['wait', third])).code).toBe(1);
    expect((await tasks(['flakes', '--json'])).stdout).toBe('');
    expect((await tasks(['conflicts'])).stderr).toMatch(/no task in flight conflicts with main/);
    expect((await tasks(['submit', 'x', '--run', 'true', '--priority', 'soon'])).stderr).toMatch(
      /priority: "soon" is none/,
    );
  });

  it('refuses a project whose name belongs to another repository', async () => {
    const other = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE }, 'checkout');
    const { code, stderr } = await cli({ cwd: other.clone, env }, ['submit', 'a', '--run', 'true']);
    expect(stderr).toMatch(
      /^tasks: project: sample is the name of .*origin\.git, and the origin here is .*\/clone; if it has moved, move it back; if it is another one, choose another project name/,
    );
    expect(code).toBe(2);
  });

  it('takes a task while the ledger is away, and says so on standard error alone', async () => {
    const away = { ...env, DATABASE_URL: 'postgres://127.0.0.1:1/none' };
    const result = await cli({ cwd: project.clone, env: away }, [
      'submit',
      'Unlisted',
      '--run',
      'true',
      '--wait',
      '--json',
    ]);
    expect(result.json<TaskView>().map(({ state }) => state)).toEqual(['queued', 'unchanged']);
    expect(result.stderr).toMatch(/the ledger cannot be reached.*the task is taken all the same/);
    expect(result.code).toBe(0);
  });

  it('ends with 124 when the time that it may wait is over, and what it waited for goes on', async () => {
    const never = ['--run', 'while :; do sleep 0.05; done'];
    const id = await submit('Never', ...never);
    const waited = await tasks(['wait', id, '--timeout', '1s']);
    expect(waited).toMatchObject({ code: 124, stdout: '' });
    const goesOn = 'nothing was stopped: it goes on; wait again with: tasks wait';
    expect(waited.stderr).toBe(`tasks: ${id} has not ended within 1 s; ${goesOn} ${id}\n`);
    const submitted = await tasks(['submit', 'Never, too', ...never, '--wait', '--timeout', '1s', '--json']);
    const [made, open] = submitted.json<Submitted & TaskView>();
    expect(submitted.code).toBe(124);
    expect(submitted.stderr).toBe(`tasks: ${made?.id} has not ended within 1 s; ${goesOn} ${made?.id}\n`);
    expect(open === undefined || ['queued', 'running'].includes(open.state)).toBe(true);
    const [shown] = (await tasks(['show', String(made?.id), '--json'])).json<TaskView>();
    expect(['queued', 'running']).toContain(shown?.state);
    const done = await submit('Soon', '--run', 'true');
    expect((await tasks(['wait', done, '--timeout', '1h'])).code).toBe(0);
    const some = await tasks(['wait', done, id, String(made?.id), '--timeout', '2s']);
    expect(some.stdout).toMatch(new RegExp(`^${done} {2}unchanged {2}Soon`));
    expect(some.stderr).toContain(`2 of 3 have not ended within 2 s; nothing was stopped: they go on`);
    expect(some.code).toBe(124);
    expect((await tasks(['submit', 'x', '--run', 'true', '--timeout', '1s'])).stderr).toMatch(
      /^tasks: --timeout: .*--wait/,
    );
    // Longer than a timer takes.
    const long = tasks(['wait', id, '--timeout', '30d']);
    for (const one of [id, String(made?.id)]) await tasks(['cancel', one]);
    expect((await long).code).toBe(1);
    expect((await tasks(['wait', '--all', '--json'])).code).not.toBe(2);
  });

  it('says what goes on when it is interrupted, and stops nothing', async () => {
    const id = await submit('Ask and leave');
    await tasks(['wait', id, '--no-wait-for-people']);
    const waited = await tasks(['wait', id], { interrupt: AbortSignal.abort() });
    expect(waited).toMatchObject({ code: 130, stdout: '' });
    expect(waited.stderr).toContain(
      `tasks: interrupted: ${id} has not ended, and nothing was stopped (that is tasks cancel); wait again with: tasks wait ${id}\n`,
    );
    expect((await tasks(['show', id, '--json'])).json<TaskView>()).toMatchObject([{ state: 'waiting' }]);
    await tasks(['cancel', id]);
  });

  it('finds everything in order when asked to check it', async () => {
    const [report] = (await tasks(['doctor', '--json'])).json<{ checks: { name: string; verdict: string }[] }>();
    const verdicts = new Map(report?.checks.map(({ name, verdict }) => [name, verdict]));
    for (const name of [
      'node',
      'git',
      'Temporal',
      'search attributes',
      'workers',
      'ledger',
      'tasks.yaml',
      'origin',
      'push',
    ]) {
      expect([name, verdicts.get(name)]).toEqual([name, 'ok']);
    }
  });

  it('queues messages for a task that no worker can hear', async () => {
    const id = await submit('Heard later');
    await engine.untilWaiting(id, 'question');
    await engine.drainWorker();
    const sent = await tasks(['answer', id, 'yes', '--json']);
    expect(sent.json()).toMatchObject([{ id, version: 1, answered: false, queued: true }]);
    expect(sent.code).toBe(0);
    const unseen = await submit('Unseen', '--run', 'true');
    const shown = await tasks(['show', unseen, '--json']);
    expect(shown.json<TaskView>()).toEqual([
      expect.objectContaining({ id: unseen, title: 'Unseen', state: 'queued', project: 'sample', agent: 'shell' }),
    ]);
    await engine.startWorker();
    expect((await tasks(['wait', id, unseen, '--no-wait-for-people'])).code).toBe(0);
    expect((await engine.detail(id)).exchanges).toHaveLength(1);
  });
});

describe('a task’s id', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
    await engine.drainWorker();
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('may be given by its beginning, unless several begin so', async () => {
    const project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE }, 'bare');
    const [one, two] = [1, 2].map((last) => taskIdFromBytes(Uint8Array.from([5, 5, 5, 5, 5, 5, 5, 5, 5, last])));
    if (one === undefined || two === undefined) throw new Error('two ids');
    for (const id of [one, two]) await engine.submit(project, { title: 'T', id, work: { kind: 'shell', run: 'true' } });
    const env = cliEnvironment(engine.home, engine.servers);
    const place = { cwd: project.clone, env };
    // No worker has recorded them: Temporal's own list is asked.
    const ambiguous = await eventually('both to be listed', async () => {
      const result = await cli(place, ['cancel', '5555']);
      return result.stderr.includes('ambiguous') ? result : null;
    });
    expect(ambiguous.stderr).toBe(`tasks: "5555" is ambiguous: ${one} and ${two} begin with it; give more of the id\n`);
    expect(ambiguous.code).toBe(2);
    expect(await cli(place, ['cancel', one.toUpperCase()])).toMatchObject({ code: 0 });
    expect(await cli(place, ['cancel', two])).toMatchObject({ code: 0 });
  });
});
