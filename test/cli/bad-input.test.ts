import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/messages.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';
import { cli, cliEnvironment, type CliOptions, type CliRun } from './rig.ts';

const run = promisify(execFile);
const TASKS = `project: shop
branch: main
gate: "true"
agent: mine
agents: {mine: {command: [my-agent]}}
`;

describe('wrong input', () => {
  let namespace: TestNamespace;
  let project: SampleProject;
  let env: Record<string, string>;

  beforeAll(async () => {
    namespace = await testNamespace(Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, 'Keyword'])));
    project = await SampleProject.create({ 'tasks.yaml': TASKS }, 'checkout');
    const { address } = namespace;
    env = cliEnvironment(await tempFolder('home'), {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace.namespace,
    });
  });

  afterAll(async () => {
    await namespace.drop();
  });

  const submit = (args: readonly string[], cwd = project.clone, options: CliOptions = {}): Promise<CliRun> =>
    cli({ cwd, env }, ['submit', ...args], options);

  /** Exit 2, one line, nothing on standard output, and no task made. */
  async function expectRefused({ code, stdout, stderr }: CliRun, message: RegExp): Promise<void> {
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^tasks: /);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const { count } = await new Client({
      connection: namespace.connection,
      namespace: namespace.namespace,
    }).workflow.count();
    expect(count).toBe(0);
  }

  it.each([
    ['no title', [], /title: is missing/],
    ['an empty title', [''], /title: is empty/],
    ['a title of two lines', ['a\nb'], /title: has more than one line/],
    ['a title that begins with a dash', ['--', '-x'], /title: "-x" begins with a dash/],
    ['a title that looks like an option', ['-x'], /unknown option '-x'/],
    ['a title with a right-to-left mark', ['a\u202eb'], /title: .*text-direction/],
    ['a title over the limit', ['x'.repeat(201)], /title: is 201 characters, the limit is 200/],
    [
      'two titles',
      ['a', 'b'],
      /^tasks: too many arguments: submit takes 1, not 2; put quotes around a text with spaces; see tasks submit --help\n$/,
    ],
    ['a body over the limit', ['a', '--body', 'x'.repeat(65_537)], /body: is 65537 bytes/],
    ['a body and a file', ['a', '--body', 'x', '--file', 'y'], /--body and --file/],
    ['a file that is not there', ['a', '--file', 'nowhere.md'], /--file: "nowhere.md": there is no such file/],
    ['a folder for a file', ['a', '--file', '.'], /--file: "." is a folder/],
    ['an empty command', ['a', '--run', ' '], /run: is empty/],
    ['a command and an agent', ['a', '--run', 'x', '--agent', 'mine'], /--run and --agent/],
    ['an unknown agent', ['a', '--agent', 'yours'], /agent: "yours" is not known; tasks.yaml has /],
    ['an unknown option', ['a', '--jsonn'], /unknown option '--jsonn' \(Did you mean --json\?\)/],
    [
      'a text that begins with a dash',
      ['a', '--body', 'b', '- first'],
      /unknown option '- first'; a text that begins with a dash goes to the end, behind --; see tasks submit --help/,
    ],
    ['an option without its value', ['a', '--run'], /option '--run <command>' argument missing/],
    ['an empty request id', ['a', '--request-id', ''], /request-id: is empty/],
    ['a way to wait without waiting', ['a', '--run', 'x', '--no-wait-for-people'], /--no-wait-for-people: .* --wait/],
    ['a list beside a title', ['a', '--from', 'x'], /--from: takes no title beside it/],
    ['a list that is not there', ['--from', 'x.jsonl'], /--from: "x.jsonl": there is no such file/],
  ])('%s is refused', async (_name, args, message) => {
    await expectRefused(await submit(args), message);
  });

  it('a list with one wrong line makes none of its tasks', async () => {
    const stdin = '{"title":"a","run":"true"}\n{"title":"b","agent":"yours"}\n';
    await expectRefused(await submit(['--from', '-'], project.clone, { stdin }), /--from: line 2: agent: "yours"/);
  });

  it('a list with an unknown key names the nearest', async () => {
    const stdin = '{"titel":"a"}';
    await expectRefused(
      await submit(['--from', '-'], project.clone, { stdin }),
      /line 1: "titel" .* did you mean title\?/,
    );
  });

  it('a body that is no text is refused', async () => {
    const stdin = Buffer.from([0x61, 0xff, 0xfe]);
    await expectRefused(
      await submit(['a', '--file', '-'], project.clone, { stdin }),
      /--file: standard input is no UTF-8/,
    );
  });

  it('a body that is longer than the limit is not read to its end', async () => {
    const stdin = 'x'.repeat(70_000);
    await expectRefused(await submit(['a', '--file', '-'], project.clone, { stdin }), /longer than 64 KiB/);
  });

  it('a folder that is no repository is refused', async () => {
    await expectRefused(await submit(['a'], await tempFolder('bare')), /repository/);
  });

  it('a repository without a commit is refused', async () => {
    const folder = await tempFolder('empty');
    await run('git', ['init', '-q', folder]);
    await expectRefused(await submit(['a'], folder), /no commits yet; make one/);
  });

  it('a detached HEAD without a tasks.yaml is refused', async () => {
    const other = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
    await other.git('checkout', '-q', '--detach');
    await expectRefused(await submit(['a'], other.clone), /HEAD is detached/);
  });

  it.each([
    [
      'an unknown key',
      'project: shop\nbranch: main\ngate: "true"\nsetpu: x\n',
      /"setpu" is no key .* did you mean setup\?/,
    ],
    ['no gate', 'project: shop\nbranch: main\nagent: claude\n', /tasks.yaml: gate: is missing/],
    ['a bad project name', 'project: My Shop\nbranch: main\ngate: "true"\n', /tasks.yaml: project/],
    ['no YAML', 'project: [\n', /tasks.yaml/],
  ])('a tasks.yaml with %s is refused', async (_name, text, message) => {
    const other = await SampleProject.create({ 'tasks.yaml': text }, 'checkout');
    await expectRefused(await submit(['a'], other.clone), message);
  });

  it('a repository without a tasks.yaml is told to make one', async () => {
    const other = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
    await expectRefused(await submit(['a'], other.clone), /there is no tasks.yaml here; make one with: tasks init/);
  });

  it('a tasks.yaml that is not committed is told how to be', async () => {
    const other = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
    await writeFile(join(other.clone, 'tasks.yaml'), TASKS);
    await expectRefused(await submit(['a'], other.clone), /tasks.yaml is not committed; commit it: git add/);
  });

  it.each([
    ['no command of that name', ['sumbit'], /unknown command 'sumbit' \(Did you mean submit\?\)/],
    ['an id that can be none', ['show', 'no/../id'], /"no\/..\/id" is no task id/],
    ['an empty id', ['show', ''], /"" is no task id/],
    ['an id that nothing begins with', ['show', 'zz'], /no task begins with "zz"/],
    ['a whole id that is none', ['show', 'zzzzzzzzzz'], /no task begins with "zzzzzzzzzz"/],
    ['no id', ['show'], /missing required argument 'id'; see tasks show --help/],
    [
      'an argument that is not taken',
      ['list', 'x'],
      /^tasks: too many arguments: list takes none; see tasks list --help\n$/,
    ],
    [
      'no command of a group',
      ['queue', 'stop'],
      /^tasks: queue has the commands pause, resume, promote, remove; see tasks queue --help\n$/,
    ],
    ['waiting for nothing', ['wait'], /id: is missing; give ids, or --all/],
    ['waiting for one of a project', ['wait', 'zz', '--project', 'shop'], /--project: says which of all/],
    ['waiting for all and one', ['wait', 'zz', '--all'], /--all: takes no ids/],
    ['waiting for an unknown task', ['wait', 'zzzzzzzzzz'], /no task is named zzzzzzzzzz/],
    [
      'no duration',
      ['wait', '--all', '--timeout', 'soon'],
      /^tasks: --timeout: "soon" is no duration; write one such as 90s, 45m, 1h30m or 2d\n$/,
    ],
    ['an unknown state', ['list', '--state', 'done'], /--state: "done" is no state; give one of queued/],
    ['a project that can be none', ['list', '--project', 'My Shop'], /--project: "My Shop" must be/],
    ['no number', ['list', '--limit', '0'], /^tasks: --limit: "0" does not do; give a whole number from 1 on\n$/],
    ['an empty answer', ['answer', 'zz', ' '], /answer: is empty/],
    ['no answer', ['answer', 'zz'], /no task begins with "zz"/],
    ['an answer over the limit', ['answer', 'zz', 'x'.repeat(65_537)], /answer: is 65537 bytes/],
    ['an answer and a file', ['answer', 'zz', 'x', '--file', 'y'], /--file: the answer is a text or a file/],
    ['a version that is none', ['approve', 'zz@x'], /"zz@x": behind the @ stands the number .* as in 7fk2@3/],
    [
      'two edited texts',
      ['approve', 'zz', '--edit', '--with', 'x'],
      /--edit and --with: the edited text comes from one/,
    ],
    [
      'an edited text and numbers',
      ['approve', 'zz', '--edit', '--drop', '1'],
      /--accept and --drop: not beside an edit/,
    ],
    [
      'an edited text that is not there',
      ['approve', 'zz', '--with', 'no.md'],
      /--with: "no.md": there is no such file/,
    ],
    ['no changes to make', ['revise', 'zz'], /what to change: is missing; say it: tasks revise zz "…"/],
    ['no reason', ['reject', 'zz'], /--reason: is missing; say why: tasks reject zz --reason "…"/],
    ['an empty comment', ['comment', 'zz', ' '], /comment: is empty/],
    ['an edit of nothing', ['edit', 'zz'], /edit: nothing to change was given; give it: tasks edit zz --title/],
    ['an edit with two bodies', ['edit', 'zz', '--body', 'x', '--file', 'y'], /--body and --file: a task has one body/],
    ['an edit over the limit', ['edit', 'zz', '--body', 'x'.repeat(65_537)], /--body: is 65537 bytes/],
    ['an unknown task to edit', ['edit', 'zzzzzzzzzz', '--title', 'x'], /no task begins with "zzzzzzzzzz"/],
    ['an unknown stage', ['submit', 'x', '--approve', 'plans'], /approve: "plans" is no stage; give clarification/],
    ['an unknown type', ['submit', 'x', '--type', 'epic'], /type: "epic" is no type; give one of task, proposal/],
    ['a question that blocks nothing', ['submit', 'x', '--blocks', 'zz'], /blocks: no task begins with "zz"/],
    ['an unknown task to cancel', ['cancel', 'zzzzzzzzzz'], /no task begins with "zzzzzzzzzz"/],
    ['an unknown task to retry', ['retry', 'zzzzzzzzzz'], /no task begins with "zzzzzzzzzz"/],
    ['an unknown shell', ['completion', 'tcsh'], /shell: "tcsh" is not known; give one of bash, zsh, fish/],
    [
      'help for an unknown command',
      ['help', 'sumbit'],
      /unknown command "sumbit"; did you mean submit\? See tasks --help/,
    ],
    ['help for what is near to nothing', ['help', 'zebra'], /^tasks: unknown command "zebra"; see tasks --help/],
    ['a number for slots that is none', ['up', '--agents', '2.5'], /--agents: "2.5" does not do; give a whole number/],
  ])('%s is refused', async (_name, argv, message) => {
    await expectRefused(await cli({ cwd: project.clone, env }, argv), message);
  });

  it.each([
    ['no address', { TEMPORAL_ADDRESS: 'nowhere' }, /TEMPORAL_ADDRESS: "nowhere" must be HOST:PORT/],
    ['an unknown profile', { TEMPORAL_PROFILE: 'work' }, /TEMPORAL_PROFILE|profile/],
    ['no Postgres', { DATABASE_URL: 'nonsense' }, /DATABASE_URL: .* must look like postgresql:\/\/USER/],
  ])('an environment with %s is refused', async (_name, more, message) => {
    await expectRefused(
      await cli({ cwd: project.clone, env: { ...env, ...more } }, ['submit', 'a', '--run', 'true']),
      message,
    );
  });

  it('a DATABASE_URL that is none is refused by whatever needs it', async () => {
    const place = { cwd: project.clone, env: { ...env, DATABASE_URL: 'nonsense' } };
    for (const argv of [['list'], ['inbox'], ['status'], ['up'], ['wait', '--all'], ['worker']]) {
      await expectRefused(await cli(place, argv), /DATABASE_URL: is no address of a Postgres/);
    }
  });

  it('a host.yaml with an unknown key is refused before anything is started', async () => {
    const home = await tempFolder('host');
    await writeFile(join(home, 'host.yaml'), 'agnets: 3\n');
    const result = await cli({ cwd: project.clone, env: { ...env, TASKS_HOME: home } }, ['up']);
    await expectRefused(result, /host.yaml: "agnets" is no key here; did you mean agents\?/);
  });

  it('init does not overwrite a tasks.yaml', async () => {
    await expectRefused(await cli({ cwd: project.clone, env }, ['init']), /tasks.yaml is there already; .*--force/);
  });

  it('init beside a tasks.yaml that does not count yet says what it lacks', async () => {
    const own = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
    const place = { cwd: own.clone, env };
    const there = /tasks.yaml is there already; edit it, or overwrite it with --force; as it is now: /.source;
    await own.write({ 'tasks.yaml': 'project: own\nbranch: main\n' });
    await expectRefused(
      await cli(place, ['init', '--commit']),
      new RegExp(`${there}tasks.yaml: gate: is missing; add`),
    );
    await own.write({ 'tasks.yaml': projectFile() });
    const commit = 'tasks.yaml is not committed; commit it: git add tasks.yaml && git commit';
    await expectRefused(await cli(place, ['init', '--commit']), new RegExp(`${there}${commit}`));
  });

  it.each([
    ['a project', ['--project', 'My Shop'], /--project: "My Shop"/],
    ['a branch', ['--branch', 'a..b'], /--branch: "a..b"/],
    ['an empty gate', ['--gate', ''], /--gate: is empty/],
  ])('init refuses %s that can be none, and writes nothing', async (_name, args, message) => {
    const other = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
    await expectRefused(await cli({ cwd: other.clone, env }, ['init', ...args]), message);
    expect(await other.git('status', '--porcelain')).toBe('');
  });

  it('a file that may not be read is named', async () => {
    const folder = await tempFolder('locked');
    const path = join(folder, 'notes.md');
    await writeFile(path, 'x');
    await chmod(path, 0o000);
    // Root may read everything: there a folder stands in for it.
    const target = process.getuid?.() === 0 ? join(folder, 'sub') : path;
    if (target !== path) await mkdir(target);
    await expectRefused(await submit(['a', '--file', target]), /--file: .*(cannot be read|is a folder)/);
  });
});

describe('servers that are not there', () => {
  let project: SampleProject;
  let home: string;

  beforeAll(async () => {
    project = await SampleProject.create({ 'tasks.yaml': TASKS }, 'checkout');
    home = await tempFolder('home');
  });

  it('are told in one line, and how to start them', async () => {
    const { code, stderr, stdout } = await cli({ cwd: project.clone, env: cliEnvironment(home) }, [
      'submit',
      'a',
      '--run',
      'true',
    ]);
    expect({ code, stderr, stdout }).toEqual({
      code: 1,
      stderr: 'tasks: no server is running; start one with: tasks up\n',
      stdout: '',
    });
  });

  it('are named by their address when the environment names them', async () => {
    const env = cliEnvironment(home, { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const { code, stderr } = await cli({ cwd: project.clone, env }, ['submit', 'a', '--run', 'true']);
    expect(stderr).toBe('tasks: Temporal at 127.0.0.1:1 does not answer; check TEMPORAL_ADDRESS\n');
    expect(code).toBe(1);
  });

  it('leave a list without a ledger one line', async () => {
    const env = cliEnvironment(home, { DATABASE_URL: 'postgres://127.0.0.1:1/none' });
    const { code, stderr } = await cli({ cwd: project.clone, env }, ['list']);
    expect(stderr).toMatch(/^tasks: the ledger cannot be reached: .*\n$/);
    expect(code).toBe(1);
  });

  it('are refused by up, which starts none in their place', async () => {
    const database = cliEnvironment(home, { DATABASE_URL: 'postgres://ada:secret@127.0.0.1:1/none' });
    const temporal = cliEnvironment(home, { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const runs = [database, temporal].map((env) => cli({ cwd: project.clone, env }, ['up', '--detach']));
    const [first, second] = await Promise.all(runs);
    const reason = 'connect ECONNREFUSED 127.0.0.1:1; start that server, or unset DATABASE_URL';
    expect(first?.stderr).toMatch(`tasks: DATABASE_URL: the Postgres at 127.0.0.1:1/none does not serve: ${reason}`);
    expect(second?.stderr).toMatch(
      'tasks: TEMPORAL_ADDRESS: nothing answers at 127.0.0.1:1; start that server, or unset',
    );
    for (const run of [first, second]) {
      expect(run).toMatchObject({ code: 1, stdout: '' });
      expect(run?.stderr.trimEnd().split('\n')).toHaveLength(1);
    }
    expect(existsSync(join(home, 'state', 'stack.json'))).toBe(false);
  });

  it('do not hinder wrong input from being told first', async () => {
    const env = cliEnvironment(home, { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    const { code, stderr } = await cli({ cwd: project.clone, env }, ['submit', '']);
    expect(stderr).toMatch(/^tasks: title: is empty/);
    expect(code).toBe(2);
  });

  it('are what status and doctor are for', async () => {
    const place = { cwd: project.clone, env: cliEnvironment(home) };
    const status = await cli(place, ['status', '--json']);
    expect(status.json<object>()).toEqual([
      expect.objectContaining({ running: false, temporal: null, postgres: null, tasks: null }),
    ]);
    expect(status.code).toBe(1);
    const doctor = await cli(place, ['doctor', '--json']);
    const [report] = doctor.json<{ ok: boolean; checks: { name: string; verdict: string; fix: string | null }[] }>();
    expect(report?.ok).toBe(false);
    expect(report?.checks).toContainEqual(
      expect.objectContaining({ name: 'Temporal', verdict: 'fail', fix: 'tasks up' }),
    );
    for (const { verdict, fix } of report?.checks ?? []) expect(fix === null).toBe(verdict === 'ok');
    expect(doctor.code).toBe(1);
  });

  it('need no down', async () => {
    const { code, stdout } = await cli({ cwd: project.clone, env: cliEnvironment(home) }, ['down']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'nothing was running\n' });
  });
});

describe('help', () => {
  it.each([[[]], [['--help']], [['submit', '--help']], [['help']], [['help', 'submit']]])(
    '%j goes to standard output with exit 0',
    async (argv) => {
      const place = { cwd: '/', env: {} };
      const { code, stdout, stderr } = await cli(place, argv);
      expect(stdout).toContain('Usage: tasks');
      expect(stdout).toContain('Examples:');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
  );

  it("tells of a command's command, too", async () => {
    const { code, stdout } = await cli({ cwd: '/', env: {} }, ['help', 'queue', 'pause']);
    expect(stdout).toContain('Usage: tasks queue pause [options]');
    expect(code).toBe(0);
  });

  it('has the version', async () => {
    expect(await cli({ cwd: '/', env: {} }, ['--version'])).toMatchObject({ code: 0, stdout: '0.0.0\n' });
  });
});
