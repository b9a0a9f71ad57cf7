/** What the commands say of a stack that was killed, from what it wrote down. */

import { beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, type ProcessIdentity } from '../../src/local/processes.ts';
import { EMPTY_STACK, type StackRecord, writeStack } from '../../src/local/stack-record.ts';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

const DEAD: ProcessIdentity = { pid: process.pid, startTime: 'an earlier process under this number' };
const URL_OF_NONE = 'postgresql://tributary:secret@127.0.0.1:1/tributary';
const TEMPORAL = { external: false, address: '127.0.0.1:1', namespace: 'default', uiUrl: null } as const;
const POSTGRES = { external: false, url: URL_OF_NONE, dataDir: '/nowhere' } as const;
const KILLED: StackRecord = {
  ...EMPTY_STACK,
  temporal: { ...TEMPORAL, ...DEAD },
  postgres: { ...POSTGRES, ...DEAD },
  worker: DEAD,
  supervisor: DEAD,
};

let project: SampleProject;
let place: CliPlace;
let home: string;

beforeEach(async () => {
  project = await SampleProject.create({ 'tasks.yaml': 'project: shop\nbranch: main\ngate: "true"\n' }, 'checkout');
  const folder = await tempFolder('home');
  home = join(folder, 'state');
  place = { cwd: project.clone, env: cliEnvironment(folder) };
});

async function self(): Promise<ProcessIdentity> {
  const found = await identify(process.pid);
  if (found === null) throw new Error('this process is not alive');
  return found;
}

describe('a stack that was killed whole', () => {
  const GONE =
    'the stack that was running is gone: Temporal, Postgres, the worker and what kept them up died; start it again with: tasks up (tasks go on where they were)';

  it.each([
    [['list']],
    [['list', '--json']],
    [['inbox']],
    [['queue']],
    [['show', 'abc']],
    [['show', '3fa0000000']],
    [['logs', '3fa0000000']],
    [['wait', '--all']],
    [['answer', '3fa0000000', 'yes']],
    [['retry', '3fa0000000']],
    [['cancel', '3fa0000000']],
    [['setup']],
    [['submit', 'a', '--run', 'true']],
    [['worker']],
  ])('is told by %j in one line with the way on', async (argv) => {
    await writeStack(home, KILLED);
    const { code, stdout, stderr } = await cli(place, argv);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: `tasks: ${GONE}\n` });
  });

  it('is told by status, which fails', async () => {
    await writeStack(home, KILLED);
    const shown = await cli(place, ['status']);
    expect(shown).toMatchObject({ code: 1, stdout: `home       ${home}\n${GONE}\n`, stderr: '' });
    const told = await cli(place, ['status', '--json']);
    expect(told.json()).toMatchObject([{ running: false, temporal: { state: 'dead' }, tasks: null }]);
    expect(told).toMatchObject({ code: 1, stderr: '' });
  });

  it('is told by doctor, which goes on with the rest', async () => {
    await writeStack(home, KILLED);
    const [report] = (await cli(place, ['doctor', '--json'])).json<{ checks: { name: string; found: string }[] }>();
    expect(report?.checks).toContainEqual({ name: 'Temporal', verdict: 'fail', found: GONE, fix: 'tasks up' });
    expect(report?.checks.map(({ name }) => name)).toContain('tasks.yaml');
  });

  it('does not count while its supervisor lives, which starts it again', async () => {
    await writeStack(home, { ...KILLED, supervisor: await self() });
    const { stderr, code } = await cli(place, ['inbox']);
    expect(stderr).toMatch(/^tasks: the ledger cannot be reached: [^()]*ECONNREFUSED 127\.0\.0\.1:1; .*tasks status/);
    expect(stderr.match(/ECONNREFUSED/g)).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('does not matter beside servers that the environment names', async () => {
    await writeStack(home, KILLED);
    const env = { ...place.env, TEMPORAL_ADDRESS: '127.0.0.1:2' };
    const { stderr } = await cli({ ...place, env }, ['queue']);
    expect(stderr).toMatch(/^tasks: Temporal at 127\.0\.0\.1:2 (?:does|did) not answer.*; check TEMPORAL_ADDRESS\n$/);
  });
});

describe('a supervisor that was killed alone', () => {
  it('is shown by status with what that means', async () => {
    const alive = await self();
    const servers = { temporal: { ...TEMPORAL, ...alive }, postgres: null, worker: alive };
    await writeStack(home, { ...EMPTY_STACK, ...servers, supervisor: DEAD });
    const { stdout, code } = await cli(place, ['status']);
    expect(stdout).toMatch(/^supervisor died: nothing is restarted; mend it with: tasks up$/m);
    expect(code).toBe(0);
    await writeStack(home, { ...EMPTY_STACK, ...servers, supervisor: alive });
    expect((await cli(place, ['status'])).stdout).not.toContain('supervisor');
  });
});

describe('a state home', () => {
  it.each([[['status']], [['down']], [['list']], [['queue', '--json']]])(
    'is not made by %j, which only asks for it',
    async (argv) => {
      await cli(place, argv);
      expect(existsSync(home)).toBe(false);
    },
  );

  it.each([[['status']], [['down']], [['list']], [['up']], [['up', '--detach']]])(
    'that is a file is refused by %j, which names TASKS_HOME',
    async (argv) => {
      await writeFile(home, 'x');
      const { code, stdout, stderr } = await cli(place, argv);
      const line = `tasks: TASKS_HOME: ${home} is no folder; set it to a folder that you may write to\n`;
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: line });
    },
  );

  it('below a file is refused by up', async () => {
    await writeFile(home, 'x');
    const env = { ...place.env, TASKS_HOME: join(home, 'below') };
    const { code, stderr } = await cli({ ...place, env }, ['up']);
    expect(stderr).toBe(`tasks: TASKS_HOME: ${home}/below is no folder; set it to a folder that you may write to\n`);
    expect(code).toBe(2);
  });

  it('where nobody may write is refused by up', async () => {
    // Not even root makes folders there.
    const env = { ...place.env, TASKS_HOME: '/proc/tributary' };
    const { code, stderr } = await cli({ ...place, env }, ['up']);
    expect(stderr).toMatch(/^tasks: TASKS_HOME: \/proc\/tributary .*; set it to a folder that you may write to\n$/);
    expect(code).toBe(2);
  });
});
