import { describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveConnection, type Connection } from '../../src/config/connection.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { tempFolder } from '../support/temp.ts';

const STACK = {
  version: 1,
  temporal: { address: '127.0.0.1:7000', namespace: 'default', uiUrl: 'http://127.0.0.1:8000' },
  postgres: { url: 'postgres://stack' },
};

async function resolve(stack: unknown, env: Record<string, string> = {}): Promise<Connection> {
  const home = await tempFolder('home');
  if (stack !== null) {
    await writeFile(join(home, 'stack.json'), typeof stack === 'string' ? stack : JSON.stringify(stack));
  }
  return resolveConnection(readEnvironment({ HOME: home, TASKS_HOME: home, ...env }));
}

describe('the connection', () => {
  it("is the stack's where the environment names none", async () => {
    expect(await resolve(STACK)).toEqual({
      kind: 'connection',
      temporal: {
        address: '127.0.0.1:7000',
        namespace: 'default',
        apiKey: null,
        tls: false,
        from: 'stack',
        uiUrl: 'http://127.0.0.1:8000',
      },
      postgres: { url: 'postgres://stack', from: 'stack' },
    });
  });

  it.each([
    'nonsense',
    '/var/run/postgresql',
    'mysql://secret@host/db',
    'postgres://',
    'postgres:///db',
    'postgres://u:%zz@host/db',
  ])('refuses %j as a DATABASE_URL, and does not repeat it', async (url) => {
    const refused = await resolve(STACK, { DATABASE_URL: url });
    expect(refused).toEqual({
      kind: 'invalid',
      message:
        'DATABASE_URL: is no address of a Postgres; it must look like postgresql://USER:PASSWORD@HOST:5432/DATABASE',
    });
  });

  it.each(['postgres://host/db', 'postgresql://u:p%40ss@[::1]:5432/db', 'postgresql:///db?host=/var/run/postgresql'])(
    'takes %j as a DATABASE_URL',
    async (url) => {
      expect(await resolve(STACK, { DATABASE_URL: url })).toMatchObject({ postgres: { url, from: 'environment' } });
    },
  );

  it.each([null, '{"temporal":', '[]', '{"temporal":null}', '{"temporal":{"address":5}}', '"x"'])(
    'is none with %j for a stack, and says how to start one',
    async (stack) => {
      expect(await resolve(stack)).toEqual({ kind: 'none', message: 'no server is running; start one with: tasks up' });
    },
  );

  it("is the environment's before the stack's, each server by itself", async () => {
    const env = { TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_NAMESPACE: 'team' };
    expect(await resolve(STACK, env)).toMatchObject({
      temporal: { address: 'temporal.example:7233', namespace: 'team', from: 'environment', tls: false },
      postgres: { from: 'stack' },
    });
    expect(await resolve(STACK, { DATABASE_URL: 'postgres://mine' })).toMatchObject({
      temporal: { from: 'stack' },
      postgres: { url: 'postgres://mine', from: 'environment' },
    });
    expect(await resolve(null, env)).toMatchObject({ postgres: null });
  });

  it.each(['localhost', 'http://localhost:7233', 'a b:1', 'x:port'])(
    'refuses %j as an address in one line',
    async (address) => {
      expect(await resolve(STACK, { TEMPORAL_ADDRESS: address })).toEqual({
        kind: 'invalid',
        message: expect.stringMatching(/^TEMPORAL_ADDRESS: .* must be HOST:PORT/),
      });
    },
  );

  it('turns TLS on with a key', async () => {
    const env = { TEMPORAL_ADDRESS: 'x.example:7233', TEMPORAL_API_KEY: 'key' };
    expect(await resolve(null, env)).toMatchObject({ temporal: { apiKey: 'key', tls: true } });
  });
});

describe('a Temporal profile', () => {
  const TOML = `
[profile.default]
address = "127.0.0.1:7233" # ours

[profile.cloud]
address = 'team.example:7233'
namespace = "team.prod"
api_key = "key"
[profile.cloud.tls]

[profile.plain]
address = "c:1"
[profile.plain.tls]
disabled = true # behind a proxy that has it

[profile.switched]
address = "d:1"
tls = true # since last week

[profile.bare]
namespace = "x"
[profile.certs]
address = "a:1"
[profile.certs.tls]
client_cert_path = "/c.pem"
`;

  async function withProfile(name: string, env: Record<string, string> = {}): Promise<Connection> {
    const folder = await tempFolder('profile');
    const file = join(folder, 'temporal.toml');
    await writeFile(file, TOML);
    return resolve(STACK, { TEMPORAL_PROFILE: name, TEMPORAL_CONFIG_FILE: file, ...env });
  }

  it('gives address, namespace, key and TLS', async () => {
    expect(await withProfile('cloud')).toMatchObject({
      temporal: { address: 'team.example:7233', namespace: 'team.prod', apiKey: 'key', tls: true, from: 'environment' },
    });
    expect(await withProfile('default')).toMatchObject({
      temporal: { address: '127.0.0.1:7233', namespace: 'default', apiKey: null, tls: false },
    });
  });

  it.each([
    ['plain', false],
    ['switched', true],
  ])('%s says whether TLS is on, with a word of why behind it', async (name, tls) => {
    expect(await withProfile(name)).toMatchObject({ temporal: { tls } });
  });

  it('gives way to the variables', async () => {
    expect(await withProfile('cloud', { TEMPORAL_NAMESPACE: 'mine' })).toMatchObject({
      temporal: { address: 'team.example:7233', namespace: 'mine' },
    });
  });

  it.each([
    ['nobody', 'there is no profile "nobody"'],
    ['bare', 'bare has no address'],
    ['certs', 'client_cert_path of profile "certs" is not supported'],
  ])('%s is refused, not half used', async (name, message) => {
    expect(await withProfile(name)).toEqual({ kind: 'invalid', message: expect.stringContaining(message) });
  });

  it('without its file is refused', async () => {
    expect(await resolve(STACK, { TEMPORAL_PROFILE: 'x', TEMPORAL_CONFIG_FILE: '/nowhere/t.toml' })).toEqual({
      kind: 'invalid',
      message: expect.stringMatching(/^TEMPORAL_PROFILE: \/nowhere\/t\.toml cannot be read/),
    });
  });
});
