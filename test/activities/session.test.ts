import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { packedSession, resumedSession, type Packed } from '../../src/activities/session.ts';
import type { AgentRequest } from '../../src/activities/run-agent.ts';
import { adapterFor } from '../../src/agents/adapters.ts';
import { createScanner } from '../../src/core/secrets.ts';
import { phaseRequestOf } from '../../src/core/task-request.ts';
import { newTask } from '../../src/core/task.ts';
import { around, objectId, SPEC, taskId } from '../core/rig.ts';
import { tempFolder } from '../support/temp.ts';

const SESSION = '3f1c8e54-9a3e-4f0a-8a53-0d6a3b1f2c11';
const SECRET = { name: 'KEY', value: 'correct horse battery' };
const ADAPTER = adapterFor({ kind: 'claude', model: null, args: [] });
const SCRATCH_HOME = { environment: ({ scratch }: { readonly scratch: string }) => ({ HOME: scratch }) };
const NOTHING_FOUND = () => [];

interface Host {
  readonly agent: AgentRequest;
  /** Where the agent keeps its session. */
  readonly file: string;
}

/** A state home with the workspace and the scratch home of one task; `unfinished`: it goes on from a lost attempt. */
async function host(session: string | null, unfinished = false): Promise<Host> {
  const home = await tempFolder('home');
  const folder = join(home, 'workspaces/demo/task');
  const scratch = join(home, 'scratch');
  const worktree = join(folder, 'worktree');
  const file = join(scratch, '.claude/projects', worktree.replace(/[^A-Za-z0-9]/g, '-'), `${SESSION}.jsonl`);
  await mkdir(worktree, { recursive: true });
  await mkdir(dirname(file), { recursive: true });
  const workspace: AgentRequest['workspace'] = {
    taskId: taskId(1),
    worktree,
    taskDir: join(folder, 'task'),
    sessionFile: join(folder, 'session.jsonl'),
    branch: 'tasks/1',
    base: objectId(1),
    start: objectId(1),
    conflicted: [],
    anew: null,
    ...(unfinished ? { unfinished: { attempt: 1, content: objectId(2) } } : {}),
  };
  const agent: AgentRequest = {
    request: { ...phaseRequestOf(newTask(around()), SPEC), session },
    workspace,
    definition: null,
    scratch,
    sandbox: null,
    granted: { variables: {}, secrets: [SECRET] },
    ports: null,
    signal: new AbortController().signal,
  };
  return { agent, file };
}

const lineOf = ({ agent }: Host, text = 'x'): string => `${JSON.stringify({ cwd: agent.workspace.worktree, text })}\n`;

const pack = (
  from: Host,
  session: string | null = SESSION,
  scan: Parameters<typeof packedSession>[4] = NOTHING_FOUND,
) => packedSession(SCRATCH_HOME, from.agent, ADAPTER, session, scan);

async function carry(packed: Packed, to: Host): Promise<void> {
  if (packed.kind !== 'packed') throw new Error(JSON.stringify(packed));
  await writeFile(to.agent.workspace.sessionFile, packed.content);
}

describe('the session of an agent', () => {
  it('is found on the next host where the agent looks for it there, with that host’s folders and no secret', async () => {
    const [one, two] = [await host(null), await host(SESSION)];
    await writeFile(one.file, `${lineOf(one, `the key is ${SECRET.value}`)}{"half":`);
    await carry(await pack(one), two);
    expect(await resumedSession(SCRATCH_HOME, two.agent, ADAPTER)).toBe(SESSION);
    expect(await readFile(two.file, 'utf8')).toBe(lineOf(two, 'the key is [secret KEY]'));
  });

  it('of a lost attempt is taken up also when nobody has heard of it, and else only when it is asked for', async () => {
    const [one, two, three] = [await host(null), await host(null, true), await host(null)];
    await writeFile(one.file, lineOf(one));
    const packed = await pack(one);
    await carry(packed, two);
    expect(await resumedSession(SCRATCH_HOME, two.agent, ADAPTER)).toBe(SESSION);
    await carry(packed, three);
    expect(await resumedSession(SCRATCH_HOME, three.agent, ADAPTER)).toBeNull();
    expect(existsSync(three.file)).toBe(false);
  });

  it('is a new one where the host that had it has said that it is gone', async () => {
    const one = await host('');
    expect(await resumedSession(SCRATCH_HOME, one.agent, ADAPTER)).toBeNull();
  });

  it('stays as it is where the agent has left it itself', async () => {
    const [one, two] = [await host(null), await host(SESSION)];
    await writeFile(one.file, lineOf(one));
    await carry(await pack(one), two);
    const own = lineOf(two, 'longer, and its own');
    await writeFile(two.file, own);
    expect(await resumedSession(SCRATCH_HOME, two.agent, ADAPTER)).toBe(SESSION);
    expect(await readFile(two.file, 'utf8')).toBe(own);
  });

  it('stays behind when it is large, or has what looks like a secret', async () => {
    const one = await host(null);
    await writeFile(one.file, lineOf(one, `AKIA${'Q'.repeat(16)}`));
    expect(await pack(one, SESSION, createScanner([]))).toMatchObject({
      kind: 'left-out',
      why: expect.stringContaining('secret'),
    });
    await truncate(one.file, 5 * 1024 * 1024);
    expect(await pack(one)).toMatchObject({ kind: 'left-out' });
  });

  it('is none before there is one, and none of a home that is a person’s', async () => {
    const one = await host(null);
    expect(await pack(one, null)).toEqual({ kind: 'none' });
    expect(await pack(one)).toEqual({ kind: 'none' });
    await writeFile(one.file, lineOf(one));
    const granted = { environment: () => ({ HOME: dirname(one.agent.scratch) }) };
    expect(await packedSession(granted, one.agent, ADAPTER, SESSION, NOTHING_FOUND)).toEqual({ kind: 'none' });
    expect(await pack(one, '../../../../etc/passwd')).toEqual({ kind: 'none' });
  });

  it('is neither read nor written where a link of the agent leads', async () => {
    const [one, two] = [await host(null), await host(SESSION)];
    const elsewhere = await tempFolder('elsewhere');
    await writeFile(join(elsewhere, `${SESSION}.jsonl`), 'a secret of the host\n');
    await rm(dirname(one.file), { recursive: true });
    await symlink(elsewhere, dirname(one.file));
    expect(await pack(one)).toEqual({ kind: 'none' });
    await rm(dirname(one.file));
    await mkdir(dirname(one.file));
    await symlink(join(elsewhere, `${SESSION}.jsonl`), one.file);
    expect(await pack(one)).toEqual({ kind: 'none' });
    await rm(one.file);
    await writeFile(one.file, lineOf(one));
    await carry(await pack(one), two);
    await rm(dirname(two.file), { recursive: true });
    await symlink(elsewhere, dirname(two.file));
    expect(await resumedSession(SCRATCH_HOME, two.agent, ADAPTER)).toBe(SESSION);
    expect(await readFile(two.file, 'utf8')).toBe(lineOf(two));
    expect(await readFile(join(elsewhere, `${SESSION}.jsonl`), 'utf8')).toBe('a secret of the host\n');
  });
});
