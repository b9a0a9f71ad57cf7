import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FailureKind } from '../../src/core/failure.ts';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { AS_AGENT, MISBEHAVIOURS } from '../support/misbehaviours.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

/** Seconds that tell a grandchild of this file from any other program. */
const NAP = 1_000_000 + process.pid;
/** For its log to be cut, and for memory to show it if it were kept. */
const FLOOD_BYTES = 100 * 1024 * 1024;
/** Of the log file (16 MiB), of what the ledger gets of it, and what Node takes its time to give back. */
const FLOOD_MEMORY_BYTES = 80 * 1024 * 1024;

describe('an agent that', () => {
  let engine: Engine;
  let count = 0;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  const sample = async (
    agent: Parameters<typeof agentScript>[0],
  ): Promise<{ name: string; project: SampleProject }> => {
    count += 1;
    const name = `hostile-${count}`;
    const project = await SampleProject.create({
      'tasks.yaml': projectFile('  phases: [execute, revise]').replace('sample', name),
      'gate.sh': GATE,
      'agent.sh': agentScript(agent),
      line: 'one\n',
    });
    return { name, project };
  };

  /** What the phase does before a person has mended the agent, and after. */
  const mendable = (name: string, before: string, after = 'echo mended > work'): string =>
    `if [ -e '${engine.home}/mended-${name}' ]; then ${after}; else ${before}; fi`;

  const mend = (name: string): Promise<void> => writeFile(join(engine.home, `mended-${name}`), '');

  const retryLands = async (project: SampleProject, id: TaskId): Promise<TaskView> => {
    await engine.retry(id);
    const view = await engine.untilEnded(id);
    expect(view).toMatchObject({ state: 'landed', failure: null });
    expect(await project.tip()).toBe(view.commit);
    return view;
  };

  it.each(Object.keys(MISBEHAVIOURS))(
    '%s: each attempt ends with a named failure, and a retry lands the task',
    async (group) => {
      const misbehaviours = MISBEHAVIOURS[group] ?? [];
      // Two attempts have passed over the phases that it is not configured for.
      const cases = misbehaviours.map(({ does }, index) => `${index + 3}) ${does} ;;`);
      const { project } = await sample({
        execute: `case "$TASKS_ATTEMPT" in ${cases.join('\n')} *) echo x > work ;; esac`,
      });
      const before = await project.tip();
      const id = await engine.submit(project, { title: 'Work', attempts: 1 });
      for (const [index, { what, kind, says, next }] of misbehaviours.entries()) {
        const view = await engine.untilWaiting(id, 'attempts');
        expect({ what, attempt: view.attempt, kind: view.failure?.kind }).toEqual({ what, attempt: index + 3, kind });
        expectWaiting(view, kind, says, next);
        expect(await engine.processesOf(id)).toEqual([]);
        expect(await project.tip()).toBe(before);
        if (index + 1 < misbehaviours.length) await engine.retry(id);
      }
      expect((await retryLands(project, id)).attempt).toBe(misbehaviours.length + 3);
      expect(await project.read('work')).toBe('x');
      expect(await project.originGit('rev-parse', 'refs/heads/main^1')).toBe(before);
    },
  );

  it('goes on for ever and prints all the while: is ended by its total time-out', async () => {
    const { name, project } = await sample({
      execute: mendable(`hostile-${count + 1}`, 'while :; do echo still at it; sleep 0.05; done'),
    });
    const id = await engine.submit(project, { title: 'Work', attempts: 1, totalTimeoutMs: 3_000 });
    const view = await engine.untilWaiting(id, 'attempts');
    expectWaiting(view, 'total-timeout', /took too long and was ended after \d+ s/, /raise the total time-out/);
    expect(view.failure?.evidence).toContain('still at it');
    expect(await engine.processesOf(id)).toEqual([]);
    await mend(name);
    await retryLands(project, id);
  });

  it('ignores SIGTERM and leaves grandchildren in sessions of their own: nothing of it outlives its idle time-out', async () => {
    const does = `trap '' TERM; echo the last of it; (setsid sleep ${NAP} &); (env -i setsid sleep ${NAP} &); while :; do sleep 1; done`;
    const { name, project } = await sample({ execute: mendable(`hostile-${count + 1}`, does) });
    const before = await project.tip();
    const id = await engine.submit(project, { title: 'Work', attempts: 1, idleTimeoutMs: 3_000 });
    await eventually('its grandchildren', async () => (await napping()).length === 2);
    const view = await engine.untilWaiting(id, 'attempts');
    expectWaiting(
      view,
      'idle-timeout',
      /printed nothing for too long and was ended after \d+ s/,
      /raise the idle time-out/,
    );
    expect(view.failure?.evidence).toMatch(/the last of it$/);
    expect(await engine.processesOf(id)).toEqual([]);
    expect(await napping()).toEqual([]);
    expect(await project.tip()).toBe(before);
    await mend(name);
    await retryLands(project, id);
  });

  it('commits by itself has its commits landed, as one', async () => {
    const commit = `git add -A; ${AS_AGENT} commit -q -m`;
    const { project } = await sample({ execute: `echo 1 > a; ${commit} One; echo 2 > b; ${commit} Two; echo 3 > c` });
    const id = await engine.submit(project, { title: 'Three steps' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Three steps', 'Begin']);
    for (const [file, text] of [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ] as const)
      expect(await project.read(file)).toBe(text);
  });

  it('prints very much without a newline costs neither memory nor disk, and lands', async () => {
    const { project } = await sample({
      execute: `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' x; echo ' the end'; echo x > work`,
    });
    const before = process.memoryUsage.rss();
    let most = 0;
    const id = await engine.submit(project, { title: 'Chatter' });
    const view = await engine.until(id, 'ended', (seen) => {
      most = Math.max(most, process.memoryUsage.rss() - before);
      return seen.endedAt !== null;
    });
    expect(view.state).toBe('landed');
    expect(most).toBeLessThan(FLOOD_MEMORY_BYTES);
    expect(await sizeOf(join(engine.home, 'spool'))).toBeLessThan(20 * 1024 * 1024);
    const log = await eventually('the log', async () => {
      const text = await logOf(id);
      return text.endsWith('the end\n') ? text : null;
    });
    expect(log.length).toBeLessThan(17 * 1024 * 1024);
    expect(log).toMatch(/bytes cut/);
  });

  it('prints and reports what is no text lands, with a log and a summary that can be shown', async () => {
    const { project } = await sample({
      execute: [
        `printf '\\377\\376\\000\\033[31mred\\033[0m \\355\\240\\200 end\\n'`,
        `echo x > work`,
        `printf '{"status":"done","summary":"nul \\\\u0000 half \\\\ud800 raw \\377 over \\\\u202e end"}' > "$TASKS_REPORT_FILE"`,
      ].join('; '),
    });
    const id = await engine.submit(project, { title: 'Noise' });
    const view = await engine.untilEnded(id);
    expect(view).toMatchObject({
      state: 'landed',
      summary: expect.stringMatching(/^nul {2}half .* raw .* over {2}end$/),
    });
    const log = await eventually('the log', async () => (await logOf(id)) || null);
    expect(log).toContain('end');
    expect(log).not.toContain('\0');
    expect(await eventually('the record', () => engine.ledger.readTask(id))).toMatchObject({ title: 'Noise' });
  });

  it('leaves conflict markers in a revision: refused, and a retry lands what has none', async () => {
    const { name, project } = await sample({
      execute: 'while [ ! -e "$TASKS_TASK_DIR/go" ]; do sleep 0.02; done; echo agent > line',
      revise: mendable(`hostile-${count + 1}`, 'echo more >> work', 'echo both > line'),
    });
    const id = await engine.submit(project, { title: 'Same line', attempts: 1 });
    await engine.started(id, name);
    await project.commit('A person was faster', { line: 'person\n' });
    const before = await project.tip();
    await engine.tell(id, name, 'go', '');

    const view = await engine.untilWaiting(id, 'attempts');
    expectWaiting(view, 'conflict-markers', /conflict markers are left in "line"/, /resolve both sides/);
    expect(await project.tip()).toBe(before);
    await mend(name);
    await retryLands(project, id);
    expect(await project.read('line')).toBe('both');
    expect(
      await project.originGit('grep', '-c', '-e', '<<<<<<<', '-e', '>>>>>>>', 'refs/heads/main').catch(() => 'none'),
    ).toBe('none');
  });

  it('is configured for execute alone is started for no other phase', async () => {
    const note = `echo "$TASKS_PHASE" >> '${engine.home}/phases'`;
    const { project } = await sample({ understand: note, plan: note, execute: `${note}; echo x > work`, revise: note });
    const id = await engine.submit(project, { title: 'Only execute' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await readFile(join(engine.home, 'phases'), 'utf8')).toBe('execute\n');
  });

  it('leaves files of the strangest names has all of them landed', async () => {
    const names = [
      '-rf',
      '--',
      'a b',
      'new\nline',
      'quo"te',
      'back\\slash',
      'überall',
      '\u202eright',
      '.hidden',
      '*',
      '~',
    ];
    const list = join(engine.home, 'names');
    await writeFile(list, names.map((name) => `${name}\0`).join(''));
    const { project } = await sample({
      execute:
        `mkdir deep; while IFS= read -r -d '' name; do echo x > "./$name"; echo y > "deep/$name"; done < '${list}'; ln -s /etc/passwd link; ln -s missing dangling; mkfifo pipe; : > empty; chmod +x empty`.replace(
          /^(.*)$/s,
          (script) => `cat > "$TASKS_TASK_DIR/make" <<'END'\n${script}\nEND\nbash "$TASKS_TASK_DIR/make"`,
        ),
    });
    const id = await engine.submit(project, { title: 'Strange names' });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const landed = (await project.originGit('ls-tree', '-r', '-z', '--name-only', 'refs/heads/main')).split('\0');
    expect(landed).toEqual(expect.arrayContaining(names.flatMap((name) => [name, `deep/${name}`])));
    expect(landed).toEqual(expect.arrayContaining(['link', 'dangling', 'empty']));
    expect(landed).not.toContain('pipe');
    expect(await project.read('link')).toBe('/etc/passwd');
  });

  it('fails once is tried again by itself, told what went wrong', async () => {
    const { project } = await sample({
      execute: `if grep -q 'ended without a report' "$TASKS_PROMPT_FILE"; then echo x > work; else exit 0; fi`,
    });
    const id = await engine.submit(project, { title: 'Second try', attempts: 2 });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 4, failure: null });
    expect(await project.subjects()).toEqual(['Second try', 'Begin']);
  });

  const logOf = async (id: TaskId): Promise<string> =>
    (await engine.ledger.readLogs(id, null, 10_000))
      .filter((chunk) => chunk.stream === 'agent' && chunk.attempt === 3)
      .map((chunk) => chunk.text)
      .join('');
});

/** The task waits for a person, who can understand why. */
function expectWaiting(view: TaskView, kind: FailureKind, says: RegExp, next: RegExp): void {
  expect(view).toMatchObject({ state: 'waiting', commit: null, failure: { kind } });
  expect(view.failure?.message).toMatch(says);
  expect(view.failure?.message).not.toContain('\n');
  expect(view.failure?.next).toMatch(next);
  expect(view.waitingFor?.text).toContain(`go on with: tasks retry ${view.id}`);
}

/** Grandchildren, whatever their environment says: by their command line. */
async function napping(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.split('\0').includes(String(NAP)));
}

async function sizeOf(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size;
  }
  return bytes;
}
