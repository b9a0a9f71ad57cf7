import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeSandbox, type SandboxRequest } from '../../src/activities/confine.ts';
import { DEFAULT_LIMITS } from '../../src/activities/dependencies.ts';
import { runAgent, type AgentRequest } from '../../src/activities/run-agent.ts';
import { runCommand } from '../../src/activities/run-command.ts';
import { ok } from '../../src/core/parsed.ts';
import { phaseRequestOf } from '../../src/core/task-request.ts';
import { newTask } from '../../src/core/task.ts';
import { openSpool, type Spool } from '../../src/ledger/spool.ts';
import { createProcessRoom } from '../../src/process/room.ts';
import { around, objectId, SPEC, taskId } from '../core/rig.ts';
import { migratedLedger } from '../ledger/rig.ts';
import { tempFolder } from '../support/temp.ts';

describe('the log of a run that ends by a fault of the host', () => {
  let home: string;
  let spool: Spool;
  let deps: Parameters<typeof runAgent>[0] & Parameters<typeof runCommand>[0];

  beforeAll(async () => {
    home = await tempFolder('home');
    const { ledger } = await migratedLedger();
    spool = await openSpool({ folder: join(home, 'spool'), ledger, intervalMs: 10 });
    const room = await createProcessRoom({ home, bwrapPath: null });
    deps = {
      spool,
      process: room,
      limits: DEFAULT_LIMITS,
      program: (name) => name,
      environment: ({ scratch }) => ({ PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: scratch }),
      secretsFor: () => Promise.resolve(ok({ variables: {}, secrets: [] })),
      confinement: { sandbox: null, read: [], hidden: [], write: [], granted: () => [], personHome: '/nonexistent' },
    };
  });
  afterAll(async () => {
    await spool.drain(5_000);
  });

  const logs = async (): Promise<readonly string[]> => {
    await spool.flush(taskId(1));
    const entries = await readdir(join(home, 'spool'), { recursive: true });
    return entries.filter((name) => name.endsWith('.log'));
  };

  /** That none can be made is seen when the file of the output is there. */
  const sandbox = (): SandboxRequest => {
    const scratch = join(home, 'scratch');
    return { write: [], repository: [], scratch, tmp: `${scratch}.tmp`, network: 'none', agent: null };
  };

  it('is closed, for a command', async () => {
    const running = runCommand(deps, {
      run: 'true',
      cwd: home,
      purpose: 'gate',
      taskId: taskId(1),
      attempt: 1,
      stream: 'gate:test',
      scratch: join(home, 'scratch'),
      ports: null,
      sandbox: await makeSandbox(deps, sandbox()),
      timeoutMs: 10_000,
      signal: new AbortController().signal,
    });
    await expect(running).rejects.toThrow('there is no sandbox');
    expect(await logs()).toEqual([]);
  });

  it('is closed, for an agent', async () => {
    const folder = join(home, 'workspace');
    await mkdir(join(folder, 'task'), { recursive: true });
    const workspace: AgentRequest['workspace'] = {
      taskId: taskId(1),
      worktree: folder,
      taskDir: join(folder, 'task'),
      sessionFile: join(folder, 'session.jsonl'),
      branch: 'tasks/1',
      base: objectId(1),
      start: objectId(1),
      conflicted: [],
      anew: null,
    };
    const agent: AgentRequest = {
      request: phaseRequestOf(newTask(around()), { ...SPEC, id: taskId(1), work: { kind: 'shell', run: 'true' } }),
      workspace,
      definition: null,
      scratch: join(home, 'scratch'),
      sandbox: sandbox(),
      granted: { variables: {}, secrets: [] },
      ports: null,
      signal: new AbortController().signal,
    };
    const running = new MockActivityEnvironment().run(() => runAgent(deps, agent));
    await expect(running).rejects.toThrow('there is no sandbox');
    expect(await logs()).toEqual([]);
  });
});
