import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { checkRules, checkTargets } from '../../src/cli/doctor/notices.ts';
import { Session } from '../../src/cli/session.ts';
import type { NotifyRule } from '../../src/core/task-types.ts';
import { listen, type Listener } from '../support/listener.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

const SECRET = 'secret-of-the-owner';

describe('tasks notify', () => {
  let listener: Listener;
  let home: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    listener = await listen();
    home = await tempFolder('home');
    env = cliEnvironment(home);
    await mkdir(join(home, 'state'), { recursive: true });
  });

  beforeEach(async () => {
    listener.heard.length = 0;
    listener.reply = (response, { path }) =>
      path.includes('bad') ? void response.writeHead(403).end(`no ${path}`) : void response.end();
    await host(
      `targets:\n  phone: {ntfy: "${listener.url}/topic"}\n  bad: {slack: "${listener.url}/bad/${SECRET}"}\n  gone: {command: [no-such-program, ${SECRET}]}\n`,
    );
  });

  afterAll(async () => {
    await listener.close();
  });

  const host = (text: string): Promise<void> => writeFile(join(home, 'state/host.yaml'), text, { mode: 0o600 });
  const notify = (...args: readonly string[]): Promise<CliRun> => cli({ cwd: home, env }, ['notify', ...args]);

  it('--test tells every target, and says of each what came back', async () => {
    const run = await notify('--test');
    expect(run.code).toBe(1);
    expect(run.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['told', 'phone', 'ntfy', 'HTTP 200'],
      ['FAILED', 'bad', 'slack', 'answered HTTP 403: no […]'],
      ['FAILED', 'gone', 'command', 'no-such-program is not on this machine'],
      [''],
    ]);
    expect(run.stdout + run.stderr).not.toContain(SECRET);
    expect(listener.heard.map(({ path }) => path).toSorted((a, b) => a.localeCompare(b))).toEqual([
      '/',
      `/bad/${SECRET}`,
    ]);
  });

  it('--test with a name tells that one alone', async () => {
    const run = await notify('phone', '--test', '--json');
    expect(run.code).toBe(0);
    expect(run.json()).toEqual([{ target: 'phone', kind: 'ntfy', ok: true, answer: 'HTTP 200' }]);
    expect(listener.heard).toHaveLength(1);
  });

  it('without --test shows where they are, and tells nobody', async () => {
    const run = await notify();
    expect(run.code).toBe(0);
    expect(run.stdout).toContain(`bad    slack    ${listener.url}\n`);
    expect(run.stdout).not.toContain(SECRET);
    expect(listener.heard).toEqual([]);
  });

  it('refuses a name that is none, with the nearest one', async () => {
    expect(await notify('phon', '--test')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^tasks: "phon" is no target of .*host\.yaml; did you mean phone\?/),
    });
  });

  it('says how to add a target where there is none, and what is wrong with the file', async () => {
    await host('');
    expect(await notify('--test')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no targets; add one'),
    });
    await host(`targets: {phone: {slack: ${SECRET}}}\n`);
    const run = await notify('--test');
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('host.yaml: targets.phone.slack: must be') });
    expect(run.stderr).not.toContain(SECRET);
  });
});

const sessionWith = async (text: string | null, mode = 0o600): Promise<Session> => {
  const home = await tempFolder('home');
  await mkdir(join(home, 'state'));
  const file = join(home, 'state/host.yaml');
  if (text !== null) {
    await writeFile(file, text);
    await chmod(file, mode);
  }
  const nowhere = new PassThrough();
  return new Session(
    {
      cwd: home,
      env: cliEnvironment(home),
      stdin: process.stdin,
      stdout: nowhere,
      stderr: nowhere,
      interrupt: new AbortController().signal,
      programs: { self: ['none'], worker: ['none'], version: '0', build: () => null },
    },
    false,
  );
};
const rule = (to: string): NotifyRule => ({ to, events: ['asks'], quiet: null });
const TARGETS = 'targets: {phone: {ntfy: "https://ntfy.sh/x"}}\n';

describe('tasks doctor', () => {
  it('names the targets, and says when others may read their keys', async () => {
    await expect(checkTargets(await sessionWith(TARGETS))).resolves.toMatchObject([{ verdict: 'ok' }]);
    await expect(checkTargets(await sessionWith(TARGETS, 0o644))).resolves.toMatchObject([
      { verdict: 'warn', fix: expect.stringMatching(/^chmod 600 .*host\.yaml$/) },
    ]);
    await expect(checkTargets(await sessionWith(null))).resolves.toEqual([]);
  });

  it('names the targets of the project’s rules that this host lacks', async () => {
    const session = await sessionWith(TARGETS);
    await expect(checkRules(session, [rule('phone'), rule('mail'), rule('mail')])).resolves.toMatchObject([
      { verdict: 'warn', found: 'tasks.yaml tells mail, which this host does not have' },
    ]);
    await expect(checkRules(session, [rule('phone')])).resolves.toMatchObject([{ verdict: 'ok' }]);
    await expect(checkRules(session, [])).resolves.toEqual([]);
  });
});
