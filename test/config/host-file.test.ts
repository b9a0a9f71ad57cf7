import { describe, expect, it } from '@jest/globals';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  allowedEnvironment,
  grantsOf,
  parseHostFile,
  programPath,
  readHostFile,
  type HostSettings,
} from '../../src/config/host-file.ts';
import { tempFolder } from '../support/temp.ts';

function settingsOf(text: string, cores = 4): HostSettings {
  const parsed = parseHostFile(text, cores);
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}

const SOURCE = {
  PATH: '/bin',
  HOME: '/home/ada',
  USER: 'ada',
  LANG: 'C.UTF-8',
  LC_TIME: 'de_DE',
  TZ: 'UTC',
  SSH_AUTH_SOCK: '/run/agent',
  AWS_SECRET_ACCESS_KEY: 'secret',
  DATABASE_URL: 'postgres://me:secret@localhost/x',
  NPM_TOKEN: 'token',
};

describe('host.yaml', () => {
  it('has a default for everything', () => {
    expect(settingsOf('')).toEqual({
      grant: [],
      env: [],
      programs: {},
      agents: 4,
      gates: 1,
      containment: 'preferred',
      checkpointMs: 300_000,
      secrets: {},
      encryption: null,
      sandbox: null,
      limits: { processes: 2_048, cpus: null, memory: expect.any(Number), disk: 32 * 1024 ** 3, free: 512 * 1024 ** 2 },
      read: [],
      write: [],
      granted: {},
      workspaces: { count: 250, bytes: Infinity, keptMs: 7 * 24 * 60 * 60_000 },
      ports: { base: 20_000, each: 10, ranges: 1_000 },
      checkouts: {},
      targets: {},
      notify: [],
      ui: null,
    });
  });

  it('has keys for what Temporal keeps: the first encrypts, unless it says otherwise', () => {
    const keys = [
      { id: '2026-11', from: 'file:/etc/tributary/payloads.key' },
      { id: 'old', from: 'env:OLD_KEY' },
    ];
    const written = JSON.stringify(keys);
    expect(settingsOf(`encryption: {keys: ${written}}`).encryption).toEqual({ encrypts: true, keys });
    expect(settingsOf(`encryption: {keys: ${written}, encrypt: false}`).encryption).toEqual({ encrypts: false, keys });
    expect(settingsOf('encryption:').encryption).toBeNull();
  });

  it.each([
    ['encryption: {keys: []}', /encryption\.keys: must be at least one key/],
    ['encryption: {}', /encryption\.keys: is missing/],
    ['encryption: {keys: [{id: a, from: "env:A"}, {id: a, from: "env:B"}]}', /two keys with one id/],
    ['encryption: {keys: [{id: "a b", from: "env:A"}]}', /encryption\.keys\.0\.id: must be 1 to 64 letters/],
    ['encryption: {keys: [{id: a, from: aubergine}]}', /encryption\.keys\.0\.from: must be env:NAME/],
    ['encryption: {keys: [{id: a, from: "env:A", key: aubergine}]}', /"key" is no key here/],
  ])('refuses %s, and repeats no key', (text, message) => {
    const parsed = parseHostFile(text);
    expect(parsed).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
    expect(JSON.stringify(parsed)).not.toContain('aubergine');
  });

  it('takes amounts in the units that people use, and refuses others in one line', () => {
    const text = 'limits: {processes: 100, cpus: 1.5, memory: 2GiB, disk: 3GB, free: 5MiB}';
    const limits = { processes: 100, cpus: 1.5, memory: 2 * 1024 ** 3, disk: 3e9, free: 5 * 1024 ** 2 };
    expect(parseHostFile(text)).toMatchObject({ kind: 'ok', value: { limits } });
    for (const wrong of ['2G', '-1MiB', '0MiB', '1.5GiB', '8']) {
      expect(parseHostFile(`limits: {memory: "${wrong}"}`)).toMatchObject({
        kind: 'invalid',
        message: expect.stringMatching(/^host\.yaml: limits\.memory: must be an amount, .*8GiB/),
      });
    }
  });

  it('limits workspaces, cuts ports into ranges, and names checkouts', () => {
    const host = settingsOf(
      'workspaces: {count: 3, size: 2GiB, keep: 36h}\nports: {base: 3000, each: 5}\ncheckouts: {shop: /home/ada/shop}\n',
    );
    expect(host.workspaces).toEqual({ count: 3, bytes: 2 * 1024 ** 3, keptMs: 36 * 60 * 60_000 });
    expect(host.ports).toEqual({ base: 3_000, each: 5, ranges: 1_000 });
    expect(host.checkouts).toEqual({ shop: '/home/ada/shop' });
  });

  it.each([
    'workspaces: {count: 0}',
    'workspaces: {size: 2G}',
    'workspaces: {keep: long}',
    'ports: {base: 80}',
    'ports: {base: 65000, each: 10, ranges: 100}',
    'checkouts: {shop: shop}',
    'workspaces: {number: 3}',
  ])('refuses %s', (text) => {
    expect(parseHostFile(text)).toMatchObject({ kind: 'invalid', message: expect.stringMatching(/^host\.yaml: \w+/) });
  });

  it('stores unfinished work as often as it says, or never', () => {
    expect(settingsOf('checkpoint: 90s').checkpointMs).toBe(90_000);
    expect(settingsOf('checkpoint: off').checkpointMs).toBe(0);
    for (const wrong of ['5', '0s', '"no"', 'true']) {
      expect(parseHostFile(`checkpoint: ${wrong}`)).toMatchObject({
        kind: 'invalid',
        message: expect.stringMatching(/^host\.yaml: checkpoint: /),
      });
    }
  });

  it('gives a machine of one core two agents', () => {
    expect(settingsOf('', 1).agents).toBe(2);
  });

  it('says what belongs to the machine', () => {
    const host = settingsOf(
      'grant: [claude]\nenv: [NPM_TOKEN]\nprograms: {claude: /opt/claude}\nagents: 7\ngates: 2\ncontainment: off\nsandbox: required\nread: [/srv/models]\nwrite: [/srv/cache]\ngranted: {mine: [.config/mine]}\n',
    );
    expect(host).toEqual({
      grant: ['claude'],
      env: ['NPM_TOKEN'],
      programs: { claude: '/opt/claude' },
      agents: 7,
      gates: 2,
      containment: 'off',
      checkpointMs: 300_000,
      secrets: {},
      encryption: null,
      sandbox: 'required',
      limits: expect.anything(),
      read: ['/srv/models'],
      write: ['/srv/cache'],
      granted: { mine: ['.config/mine'] },
      workspaces: expect.anything(),
      ports: expect.anything(),
      checkouts: {},
      targets: {},
      notify: [],
      ui: null,
    });
    expect(programPath(host, 'claude')).toBe('/opt/claude');
    expect(programPath(host, 'other')).toBe('other');
    expect(programPath(host, 'constructor')).toBe('constructor');
  });

  it('grants agents by name alone, Claude Code what signs it in', () => {
    const host = settingsOf('grant: [claude, mine]\ngranted: {mine: [.config/mine], other: [.ssh]}\n');
    expect(grantsOf(host, 'claude').map(({ path }) => path)).toEqual(['.claude/.credentials.json', '.claude.json']);
    expect(grantsOf(host, 'mine')).toEqual([{ path: '.config/mine', how: 'read' }]);
    expect(grantsOf(host, 'other')).toEqual([]);
    expect(grantsOf(host, 'constructor')).toEqual([]);
  });

  it.each([
    ['codex', ['write .codex/auth.json']],
    [
      'gemini',
      [
        'copy .gemini/oauth_creds.json',
        'copy .gemini/google_accounts.json',
        'copy .gemini/settings.json',
        'read .gemini/.env',
      ],
    ],
    ['opencode', ['write .local/share/opencode/auth.json']],
    ['copilot', ['copy .copilot/config.json']],
    ['aider', ['read .aider.conf.yml', 'read .aider/oauth-keys.env']],
  ])('knows what signs %s in: nothing but these files, beside what granted names', (agent, paths) => {
    const host = settingsOf(`grant: [${agent}]\ngranted: {${agent}: [.config/more]}\n`);
    expect(grantsOf(host, agent).map(({ how, path }) => `${how} ${path}`)).toEqual([...paths, 'read .config/more']);
    expect(grantsOf(settingsOf(''), agent)).toEqual([]);
  });

  it.each(['granted: {a: [../x]}', 'granted: {a: [/etc]}', 'read: [models]', 'sandbox: maybe'])(
    'refuses %s',
    (text) => {
      expect(parseHostFile(`${text}\n`).kind).toBe('invalid');
    },
  );

  it('gives a confined process no home of a person, whatever it is granted', () => {
    const host = settingsOf('grant: [claude]\n');
    const request = { purpose: 'agent', agent: 'claude', scratch: '/scratch', confined: true } as const;
    const source = { HOME: '/home/ada', USER: 'ada', XDG_CONFIG_HOME: '/home/ada/.config', SSH_AUTH_SOCK: '/x' };
    expect(allowedEnvironment(host, source, request)).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/scratch',
      TMPDIR: '/tmp',
      TERM: 'dumb',
    });
  });

  it.each([
    ['grants: [claude]\n', 'host.yaml: "grants" is no key here; did you mean grant?'],
    ['env: [NPM_TOKEN=abc]\n', 'host.yaml: env.0: must be the name of an environment variable, without its value'],
    ['agents: 0\n', 'host.yaml: agents: must be a whole number from 1 to 256, not 0'],
    ['programs: {claude: claude}\n', 'host.yaml: programs.claude: must be an absolute path, not "claude"'],
    ['containment: none\n', 'host.yaml: containment: must be preferred or off, not "none"'],
    ['a: [\n', 'host.yaml: line '],
  ])('%j is refused in one line', (text, message) => {
    expect(parseHostFile(text)).toEqual({ kind: 'invalid', message: expect.stringContaining(message) });
  });

  it('does not repeat a secret that somebody wrote where a name belongs', () => {
    const parsed = parseHostFile('env: [NPM_TOKEN=abc]\n');
    expect(parsed).toMatchObject({ kind: 'invalid', message: expect.stringContaining('env') });
    expect(JSON.stringify(parsed)).not.toContain('abc');
  });

  it('is all defaults where there is no file', async () => {
    expect(await readHostFile(join(await tempFolder(), 'none'))).toMatchObject({ kind: 'ok', value: { gates: 1 } });
  });

  it('that cannot be read is refused and not passed over', async () => {
    const home = await tempFolder();
    await mkdir(join(home, 'host.yaml'));
    expect(await readHostFile(home)).toEqual({
      kind: 'invalid',
      message: expect.stringMatching(/^host\.yaml: .* cannot be read \(EISDIR\)/),
    });
  });

  it('is read from the state home', async () => {
    const home = await tempFolder();
    await writeFile(join(home, 'host.yaml'), 'gates: 3\n');
    await chmod(join(home, 'host.yaml'), 0o600);
    expect(await readHostFile(home)).toMatchObject({ kind: 'ok', value: { gates: 3 } });
  });
});

describe('the environment of agents and gates', () => {
  it('has the short list and nothing else', () => {
    expect(allowedEnvironment(settingsOf(''), SOURCE, { purpose: 'agent', agent: 'claude', scratch: '/s' })).toEqual({
      PATH: '/bin',
      HOME: '/s',
      TMPDIR: '/s',
      LANG: 'C.UTF-8',
      LC_TIME: 'de_DE',
      TZ: 'UTC',
      TERM: 'dumb',
    });
  });

  it.each(['gate', 'setup'] as const)('says CI to a %s', (purpose) => {
    const environment = allowedEnvironment(settingsOf(''), SOURCE, { purpose, agent: null, scratch: '/s' });
    expect(environment).toMatchObject({ CI: 'true', HOME: '/s' });
  });

  it("has the person's HOME for an agent that was granted it, and for no other", () => {
    const host = settingsOf('grant: [claude]\n');
    const homeOf = (agent: string | null): string | undefined =>
      allowedEnvironment(host, SOURCE, { purpose: 'agent', agent, scratch: '/s' })['HOME'];
    expect(['claude', 'other', null].map(homeOf)).toEqual(['/home/ada', '/s', '/s']);
  });

  it('has what host.yaml names, when it is set', () => {
    const environment = allowedEnvironment(settingsOf('env: [NPM_TOKEN, UNSET]\n'), SOURCE, {
      purpose: 'gate',
      agent: null,
      scratch: '/s',
    });
    expect(environment['NPM_TOKEN']).toBe('token');
    expect(environment).not.toHaveProperty('UNSET');
    expect(Object.values(environment).join()).not.toContain('secret');
  });

  it('has a PATH where the worker has none', () => {
    const environment = allowedEnvironment(settingsOf(''), {}, { purpose: 'agent', agent: null, scratch: '/s' });
    expect(environment).toEqual({ PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/s', TMPDIR: '/s', TERM: 'dumb' });
  });
});
