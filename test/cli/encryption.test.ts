import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { defaultPayloadConverter } from '@temporalio/common';
import { checkEncryption } from '../../src/cli/doctor/encryption.ts';
import { runCli } from '../../src/cli/main.ts';
import { Session } from '../../src/cli/session.ts';
import { newKeyText, parsePayloadKey } from '../../src/codec/payload-key.ts';
import { parseHostFile } from '../../src/config/host-file.ts';
import { codecOf } from '../support/payloads.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, cliIo, type CliPlace } from './rig.ts';

/** A machine with this host.yaml; the key that it names is there. */
async function machine(
  hostFile: (key: string) => string,
  more: Record<string, string> = {},
): Promise<CliPlace & { key: string }> {
  const home = await tempFolder('machine');
  const key = join(home, 'key');
  await mkdir(join(home, 'state'));
  await writeFile(key, `${newKeyText()}\n`, { mode: 0o600 });
  await writeFile(join(home, 'state', 'host.yaml'), hostFile(key));
  return { cwd: home, env: cliEnvironment(home, more), key };
}
const withKey = (key: string): string => `encryption: {keys: [{id: one, from: "file:${key}"}]}\n`;

/** Runs it, does something with its address once it listens, and interrupts it. */
const serving = async (place: CliPlace, argv: readonly string[], use: (url: string) => Promise<void>) => {
  const interrupt = new AbortController();
  const io = cliIo(place, { interrupt: interrupt.signal });
  const told: string[] = [];
  const used = new Promise<void>((resolved, rejected) => {
    io.stdout.on('data', (part: Buffer) => {
      told.push(part.toString('utf8'));
      const { url } = JSON.parse(part.toString('utf8')) as { url: string };
      use(url)
        .then(resolved, rejected)
        .finally(() => interrupt.abort());
    });
  });
  const code = await runCli(['codec-server', '--port', '0', '--json', ...argv], io);
  await used;
  return { code, told: JSON.parse(told.join('')) as unknown };
};
const decode = (url: string, origin: string, payloads: unknown): Promise<Response> =>
  fetch(`${url}/decode`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: origin },
    body: JSON.stringify({ payloads }),
  });

const check = async (place: CliPlace) => checkEncryption(new Session(cliIo(place), false));

describe('tasks keygen', () => {
  it('prints a key alone on standard output, and beside it what host.yaml needs', async () => {
    const place = await machine(() => '');
    const { code, stdout, stderr } = await cli(place, ['keygen', '--id', 'mine']);
    expect(code).toBe(0);
    expect(parsePayloadKey('mine', stdout).kind).toBe('ok');
    expect(stderr).not.toContain(stdout.trim());
    const yaml = stderr.split('\n').filter((line) => /^(?:encryption:| )/.test(line));
    expect(parseHostFile(yaml.join('\n'))).toMatchObject({
      value: { encryption: { keys: [{ id: 'mine', from: 'file:/etc/tributary/payloads.key' }] } },
    });
  });

  it('writes it to a file of its owner alone, never over another, under the day as its id', async () => {
    const place = await machine(() => '');
    const made = await cli(place, ['keygen', '--out', 'new.key']);
    expect(made).toMatchObject({ code: 0, stdout: '' });
    const path = join(place.cwd, 'new.key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, 'utf8');
    expect(parsePayloadKey('x', text).kind).toBe('ok');
    expect(made.stderr).toMatch(new RegExp(`\\{id: "\\d{4}-\\d\\d-\\d\\d", from: "file:${path}"\\}`));
    expect(made.stderr).not.toContain(text.trim());
    const again = await cli(place, ['keygen', '--out', 'new.key']);
    expect(again).toMatchObject({ code: 2, stderr: `tasks: --out: ${path} is there already; name a new file\n` });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('has JSON, in which a key that is in a file is not repeated', async () => {
    const place = await machine(() => '');
    const [printed] = (await cli(place, ['keygen', '--id', 'a', '--json'])).json<{ id: string; key: string }>();
    expect(printed).toEqual({ id: 'a', key: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/) });
    const [written] = (await cli(place, ['keygen', '--id', 'a', '--out', 'k', '--json'])).json();
    expect(written).toEqual({ id: 'a', path: join(place.cwd, 'k') });
  });

  it.each([
    [['--id', 'a b'], 'tasks: --id: must be 1 to 64 letters, digits, dots, - and _\n'],
    [['--out', 'no/such/folder/key'], /^tasks: --out: .*no\/such\/folder\/key cannot be written \(ENOENT\)/],
  ])('refuses %j', async (more, says) => {
    const { code, stderr, stdout } = await cli(await machine(() => ''), ['keygen', ...more]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(says);
    expect(stdout).toBe('');
  });
});

describe('tasks codec-server', () => {
  it('decrypts with the keys of host.yaml for the Web UI that it names, and ends when it is interrupted', async () => {
    const place = await machine((key) => `ui: https://temporal.example.com/x\n${withKey(key)}`);
    const codec = await codecOf(withKey(place.key));
    const [payload] = await codec.encode([defaultPayloadConverter.toPayload('aubergine') ?? {}]);
    const payloads = [
      {
        metadata: Object.fromEntries(
          Object.entries(payload?.metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
        ),
        data: Buffer.from(payload?.data ?? []).toString('base64'),
      },
    ];
    let address = '';
    const { code, told } = await serving(place, [], async (url) => {
      address = url;
      const answered = await decode(url, 'https://temporal.example.com', payloads);
      const {
        payloads: [decoded],
      } = (await answered.json()) as { payloads: [{ data: string }] };
      expect(Buffer.from(decoded.data, 'base64').toString()).toBe('"aubergine"');
      expect((await decode(url, 'http://127.0.0.1:8233', payloads)).status).toBe(403);
    });
    expect(code).toBe(0);
    expect(told).toEqual({
      kind: 'listening',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      origins: ['https://temporal.example.com'],
      keys: ['one'],
    });
    await expect(fetch(address)).rejects.toThrow();
  });

  it("serves the running stack's Web UI by both of its names, or those that are named", async () => {
    const place = await machine(withKey);
    const temporal = { address: '127.0.0.1:1', namespace: 'default', uiUrl: 'http://127.0.0.1:8233', external: true };
    await writeFile(join(place.cwd, 'state', 'stack.json'), JSON.stringify({ version: 1, temporal }));
    const stack = await serving(place, [], async () => undefined);
    expect(stack.told).toMatchObject({ origins: ['http://127.0.0.1:8233', 'http://localhost:8233'] });
    const argv = ['--origin', 'https://cloud.temporal.io/namespaces/x', '--origin', 'http://other:80'];
    const named = await serving(place, argv, async () => undefined);
    expect(named.told).toMatchObject({ origins: ['https://cloud.temporal.io', 'http://other'] });
  });

  it.each([
    ['there are no keys', () => '', [], /^tasks: host\.yaml has no encryption\.keys; make a key with tasks keygen/],
    ['no Web UI is known', withKey, [], /^tasks: no Web UI is known; name its address with --origin/],
    ['an origin is none', withKey, ['--origin', 'localhost'], /^tasks: --origin: "localhost" must be an address/],
    ['a port is none', withKey, ['--port', '70000'], /^tasks: --port: "70000" does not do; give a port/],
    [
      'a key is not there',
      () => 'encryption: {keys: [{id: one, from: "file:/no/such/key"}]}\n',
      [],
      /^tasks: host\.yaml: encryption\.keys: the key one: \/no\/such\/key cannot be read/,
    ],
  ])('is refused when %s, in one line with the fix', async (_what, hostFile, argv, says) => {
    const { code, stdout, stderr } = await cli(await machine(hostFile), ['codec-server', ...argv]);
    expect(stderr).toMatch(says);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('keys that cannot be had', () => {
  const GONE = 'encryption: {keys: [{id: one, from: "env:NO_SUCH_KEY"}]}\n';
  const SAYS =
    'host.yaml: encryption.keys: the key one: there is no environment variable NO_SUCH_KEY; start it with one';

  it('keep tasks up from starting anything', async () => {
    const { code, stdout, stderr } = await cli(await machine(() => GONE), ['up']);
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `tasks: ${SAYS}\n` });
  });

  it("keep the worker's program from starting", async () => {
    const servers = { TEMPORAL_ADDRESS: '127.0.0.1:1', DATABASE_URL: 'postgres://127.0.0.1:1/none' };
    const { env } = await machine(() => GONE, servers);
    const ended = await new Promise<{ code: unknown; stderr: string }>((resolved) => {
      execFile(process.execPath, [resolve('dist/worker/main.js')], { env, timeout: 20_000 }, (error, _stdout, stderr) =>
        resolved({ code: error?.code, stderr }),
      );
    });
    expect(ended).toEqual({ code: 2, stderr: `tasks worker: ${SAYS}\n` });
  });
});

describe('tasks doctor', () => {
  it('says nothing of encryption where there is none', async () => {
    expect(await check(await machine(() => ''))).toEqual([]);
  });

  it('says which key encrypts, and which ones are read', async () => {
    const one = await machine(withKey);
    expect(await check(one)).toMatchObject([{ verdict: 'ok', found: 'payloads are encrypted with the key one' }]);
    const two = await machine((key) =>
      withKey(key).replace('[{id', `[{id: two, from: "file:${key}"}, {id`).replace(']}', '], encrypt: false}'),
    );
    expect(await check(two)).toMatchObject([
      { verdict: 'ok', found: 'payloads are not encrypted; two, one can be read' },
    ]);
  });

  it('warns of a file that others may read, and names the fix', async () => {
    const place = await machine(withKey);
    await chmod(place.key, 0o644);
    expect(await check(place)).toMatchObject([{ verdict: 'warn', fix: `chmod 600 ${place.key}` }]);
  });

  it.each([
    ['is not there', (key: string) => withKey(`${key}-gone`), /the key one: .*-gone cannot be read/],
    ['is none', (key: string) => withKey(join(key, '..', 'state', 'host.yaml')), /the key one is not 32 bytes/],
  ])('fails when a key %s', async (_what, hostFile, says) => {
    expect(await check(await machine(hostFile))).toMatchObject([
      { verdict: 'fail', found: expect.stringMatching(says) },
    ]);
  });
});
