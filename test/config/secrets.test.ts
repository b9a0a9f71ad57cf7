import { describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHostFile, type HostSettings } from '../../src/config/host-file.ts';
import { grantSecrets, secretFiles } from '../../src/config/secrets.ts';
import { tempFolder } from '../support/temp.ts';

const hostOf = (text: string): HostSettings => {
  const parsed = parseHostFile(text);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
};

describe('secrets of host.yaml', () => {
  it('are looked up where they are said to be, for the agents that are named', async () => {
    const file = join(await tempFolder('secret'), 'key');
    await writeFile(file, 'of the file\n');
    const host = hostOf(
      `env: [NPM_TOKEN, EDITOR]\nsecrets:\n  A: {from: "env:FROM", agents: [one]}\n  B: {from: "file:${file}", agents: [one, two]}\n  C: {from: "command:echo of the command", agents: [two]}\n`,
    );
    const source = { FROM: 'of the environment', NPM_TOKEN: 'a token', EDITOR: 'vi', PATH: '/usr/bin:/bin' };
    const passed = { name: 'NPM_TOKEN', value: 'a token' };
    expect(await grantSecrets(host, source, 'one')).toEqual({
      kind: 'ok',
      value: {
        variables: { A: 'of the environment', B: 'of the file' },
        secrets: [{ name: 'A', value: 'of the environment' }, { name: 'B', value: 'of the file' }, passed],
      },
    });
    expect(await grantSecrets(host, source, 'two')).toMatchObject({
      value: { variables: { B: 'of the file', C: 'of the command' } },
    });
    expect(await grantSecrets(host, source, null)).toEqual({ kind: 'ok', value: { variables: {}, secrets: [passed] } });
  });

  it.each([
    ['env:NONE', /secrets\.A: the worker has no environment variable NONE/],
    ['file:/no/such/key', /secrets\.A: \/no\/such\/key cannot be read/],
    ['command:echo the secret; exit 1', /secrets\.A: its command failed/],
  ])('that cannot be had by %s are named, and nothing of them said', async (from, message) => {
    const granted = await grantSecrets(hostOf(`secrets: {A: {from: "${from}", agents: [one]}}\n`), {}, 'one');
    expect(granted).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
    expect(JSON.stringify(granted)).not.toContain('the secret');
  });

  it.each([
    ['UTF-16', Buffer.from('hunter2hunter2\n', 'utf16le')],
    ['another encoding', Buffer.from('hunter2hünter2\n', 'latin1')],
  ])('that lie there in %s are refused, and nothing of them said', async (_what, bytes) => {
    const file = join(await tempFolder('secret'), 'key');
    await writeFile(file, bytes);
    for (const from of [`file:${file}`, `command:cat ${file}`]) {
      const granted = await grantSecrets(hostOf(`secrets: {A: {from: "${from}", agents: [one]}}\n`), {}, 'one');
      expect(granted).toEqual({ kind: 'invalid', message: expect.stringMatching(/no text in UTF-8/) });
      expect(JSON.stringify(granted)).not.toMatch(/hunter2|h.u.n.t/);
    }
  });

  it('are had at once by a command that would ask a person', async () => {
    const host = hostOf('secrets: {A: {from: "command:read answer; echo key", agents: [one]}}\n');
    expect(await grantSecrets(host, {}, 'one')).toMatchObject({ value: { variables: { A: 'key' } } });
  });

  it('are also what env passes on and is secret by its name, and nothing else of it', async () => {
    const names = [
      'MY_API_KEY',
      'APIKEY',
      'GH_TOKEN',
      'DB_PASSWORD',
      'AWS_SECRET',
      'A_PRIVATE_KEY',
      'AWS_ACCESS_KEY_ID',
    ];
    const others = ['EDITOR', 'KEYBOARD', 'MONKEY'];
    const source = Object.fromEntries([...names, ...others].map((name) => [name, `of ${name}`]));
    const granted = await grantSecrets(hostOf(`env: [${[...names, ...others].join(', ')}]\n`), source, null);
    expect(granted).toMatchObject({ value: { secrets: names.map((name) => ({ name, value: `of ${name}` })) } });
  });

  it('say which files they are read from, keys of encryption among them', () => {
    const host = hostOf(
      'secrets: {A: {from: "file:/opt/a b", agents: [one]}, B: {from: "env:B", agents: []}}\nencryption: {keys: [{id: one, from: "file:/opt/key"}]}\n',
    );
    expect(secretFiles(host)).toEqual(['/opt/a b', '/opt/key']);
    expect(secretFiles(hostOf(''))).toEqual([]);
  });

  it('that stand in the file itself are refused, and not repeated', () => {
    const parsed = parseHostFile('secrets: {A: {from: hunter2hunter2, agents: [one]}}\n');
    expect(parsed.kind === 'invalid' ? parsed.message : '').toMatch(/env:NAME, file:\/PATH or command:/);
    expect(JSON.stringify(parsed)).not.toContain('hunter2');
  });
});
