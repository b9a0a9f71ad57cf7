/** The rooms together: a configured command, run as a real process, judged by what it left. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { adapterFor } from '../../src/agents/adapters.ts';
import { judgeAttempt } from '../../src/agents/judge.ts';
import type { Judgement, PhaseFiles, ReportFile } from '../../src/agents/types.ts';
import type { AgentDefinition } from '../../src/core/project.ts';
import type { Phase } from '../../src/core/task-types.ts';
import { createProcessRoom } from '../../src/process/room.ts';
import type { ProcessRoom } from '../../src/process/types.ts';
import { listenForFakeAgents, scriptedAgent, type FakeAgents } from '../support/fake-agent.ts';
import { tempFolder } from '../support/temp.ts';

let home: string;
let room: ProcessRoom;
let agents: FakeAgents;

beforeAll(async () => {
  home = await tempFolder('home');
  await Promise.all(['task', 'worktree'].map((name) => mkdir(join(home, name))));
  await writeFile(join(home, 'task', 'prompt.md'), 'Do it.\n');
  room = await createProcessRoom({ home });
  agents = await listenForFakeAgents();
});
afterAll(async () => agents.close());

function filesOf(phase: Phase): PhaseFiles {
  const taskDir = join(home, 'task');
  return {
    promptFile: join(taskDir, 'prompt.md'),
    taskDir,
    worktree: join(home, 'worktree'),
    branch: 'tasks/x',
    taskId: '0123456789',
    phase,
    attempt: 1,
    reportFile: join(taskDir, `report-${phase}.json`),
  };
}

async function attempt(command: readonly string[], phase: Phase): Promise<Judgement> {
  const definition: AgentDefinition = { kind: 'command', command, phases: [phase] };
  const files = filesOf(phase);
  const adapter = adapterFor(definition);
  const { argv, env } = adapter.command(definition, files, null, false);
  const reader = adapter.reader();
  const exit = await room.run({
    argv,
    cwd: files.worktree,
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...env },
    tag: `0123456789/${phase}`,
    outputFile: join(home, `output-${phase}`),
    maxOutputBytes: 100_000,
    onLine: (line) => reader.read(line),
    idleTimeoutMs: 20_000,
    totalTimeoutMs: 20_000,
    signal: new AbortController().signal,
  });
  const report = await readFile(files.reportFile, 'utf8').then(
    (text): ReportFile => ({ kind: 'text', text }),
    (): ReportFile => ({ kind: 'missing' }),
  );
  const { reading } = reader;
  return judgeAttempt({ agent: 'fake', phase, exit, reading, hasTerminalEvent: adapter.hasTerminalEvent, report });
}

describe('a command agent', () => {
  it('reads its prompt, works in the worktree and reports', async () => {
    const running = attempt(agents.command, 'execute');
    const agent = await agents.next();
    expect(await agent.do({ do: 'prompt' })).toBe('Do it.\n');
    expect(agent.cwd).toBe(join(home, 'worktree'));
    expect(agent.env['TASKS_PHASE']).toBe('execute');
    await agent.do({ do: 'write', path: 'src/new.txt', text: 'new\n' });
    await agent.do({ do: 'report', report: { status: 'done', summary: 'Wrote it.' } });
    await agent.do({ do: 'exit', code: 0 });
    expect(await running).toMatchObject({ kind: 'done', summary: 'Wrote it.', document: null });
    expect(await readFile(join(home, 'worktree', 'src', 'new.txt'), 'utf8')).toBe('new\n');
  });

  it('that exits with 0 and leaves nothing has failed', async () => {
    const running = attempt(agents.command, 'revise');
    const agent = await agents.next();
    await agent.do({ do: 'print', text: 'all good!\n' });
    await agent.do({ do: 'exit', code: 0 });
    expect(await running).toMatchObject({
      kind: 'failed',
      failure: { kind: 'no-report', evidence: 'all good!' },
    });
  });

  it('follows a script, by phase and by how often the phase was tried', async () => {
    const command = await scriptedAgent(join(home, 'script.json'), {
      plan: [{ do: 'report', report: { status: 'question', question: 'Which?' } }],
      'plan#2': [
        { do: 'note', name: 'plan.md', text: 'The plan.\n' },
        { do: 'report', report: { status: 'done', summary: 'Planned.' } },
      ],
      understand: [
        { do: 'report', report: { status: 'done', summary: 'x' } },
        { do: 'exit', code: 4 },
      ],
    });
    expect(await attempt(command, 'plan')).toMatchObject({ kind: 'question', questions: [{ text: 'Which?' }] });
    expect(await attempt(command, 'plan')).toMatchObject({ kind: 'done', summary: 'Planned.' });
    expect(await readFile(join(home, 'task', 'plan.md'), 'utf8')).toBe('The plan.\n');
    expect(await attempt(command, 'understand')).toMatchObject({
      kind: 'failed',
      failure: { kind: 'agent-failed', message: 'agent fake exited with 4' },
    });
  });
});
