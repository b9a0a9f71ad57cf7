/** What `tasks doctor` says of how an agent is signed in. */

import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkSignIn } from '../../src/cli/doctor/sign-in.ts';
import { Session } from '../../src/cli/session.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

/** With what is in the person's home. */
const checked = async (host: string, there: readonly string[] = [], agent = 'claude', program = agent) => {
  const folder = await tempFolder('machine');
  await mkdir(join(folder, 'state'));
  await writeFile(join(folder, 'state/host.yaml'), host);
  for (const path of there) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), '{}');
  }
  const session = new Session(cliIo({ cwd: folder, env: cliEnvironment(folder, { HOME: folder }) }), false);
  try {
    return await checkSignIn(session, agent, program);
  } finally {
    await session.close();
  }
};
const of = (verdict: 'ok' | 'warn', found: string, fix: unknown = null) => [
  { name: 'sign-in of claude', verdict, found, fix },
];

describe('the sign-in of an agent', () => {
  it('is missed before a task fails by it, where the agent is known and neither granted nor given a key', async () => {
    const none = 'it has nothing of your home, and no key: it will not be signed in';
    expect(await checked('', ['.claude/.credentials.json'])).toEqual(
      of('warn', none, expect.stringMatching(/^grant: \[claude\] in host.yaml .* restart the worker$/)),
    );
    expect(await checked('', [], 'mine', '/opt/bin/codex')).toMatchObject([{ name: 'sign-in of mine', found: none }]);
  });

  it('is by its key, without a look at what that is', async () => {
    const host = 'secrets: {ANTHROPIC_API_KEY: {from: "command:exit 1", agents: [claude]}}';
    expect(await checked(host)).toEqual(of('ok', 'ANTHROPIC_API_KEY, by host.yaml'));
  });

  it('leaves a key that is not here to the check of that', async () => {
    const host = 'secrets: {ANTHROPIC_API_KEY: {from: "file:/nowhere/key", agents: [claude]}}';
    expect(await checked(host)).toEqual([]);
    expect(await checked(host.replace('file:/nowhere/key', 'env:NOWHERE_SET'))).toEqual([]);
    const there = host.replace('/nowhere/key', import.meta.filename);
    expect(await checked(there)).toEqual(of('ok', 'ANTHROPIC_API_KEY, by host.yaml'));
  });

  it.each(['', 'env: [ANTHROPIC_API_KEY]'])('is not asked after where none may be needed: %j', async (host) => {
    expect(await checked(host, [], host === '' ? 'mine' : 'claude', host === '' ? './agent.sh' : 'claude')).toEqual([]);
  });

  it('is by a grant of what is in the home of the person', async () => {
    expect(await checked('grant: [claude]', ['.claude/.credentials.json'])).toEqual(
      of('ok', '~/.claude/.credentials.json, by grant:'),
    );
  });

  it('is missed where a grant shares settings and no tokens', async () => {
    expect(await checked('grant: [claude]', ['.claude.json'])).toEqual(
      of(
        'warn',
        'grant: [claude] shares what is not here: ~/.claude/.credentials.json',
        expect.stringMatching(/^sign in with claude on this machine/),
      ),
    );
  });

  it('is by any of the files that a grant names, where none has the tokens alone', async () => {
    expect(await checked('grant: [gemini]', ['.gemini/.env'], 'gemini')).toMatchObject([
      { verdict: 'ok', found: '~/.gemini/.env, by grant:' },
    ]);
  });

  it('is missed where a grant names an agent of which nothing is known', async () => {
    expect(await checked('grant: [mine]', [], 'mine')).toMatchObject([
      { verdict: 'warn', fix: 'name the files below your home in host.yaml: granted: {mine: [.config/mine]}' },
    ]);
    expect(await checked('grant: [mine]\ngranted: {mine: [.mine]}', ['.mine'], 'mine')).toMatchObject([
      { verdict: 'ok', found: '~/.mine, by grant:' },
    ]);
  });

  it('is not asked after where an agent has all of the home', async () => {
    expect(await checked('grant: [claude]\nsandbox: off')).toEqual([]);
  });
});
