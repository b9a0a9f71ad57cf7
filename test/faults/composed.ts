/**
 * The services of docker-compose.yml as programs, each on a machine of its own in a network of namespaces, with the
 * file's environment, commands and health checks. What the images would bring is taken from this machine.
 */

import { execFile, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from '../../src/local/postgres-binaries.ts';
import { eventually } from '../support/eventually.ts';
import { CLI, cleanEnvironment } from './commands.ts';
import type { Service } from './compose.ts';
import type { Network } from './network.ts';

const run = promisify(execFile);
const BUILD_LIMIT_MS = 15 * 60_000;
const HEALTHY_LIMIT_MS = 120_000;
/** In the containers. */
const HOME_THERE = '/var/lib/tributary';
const CLI_THERE = '/app/dist/bin/tasks.cjs';
const MODULE = resolve('infra/temporal');

export interface Programs {
  /** A folder with what the images' commands call. */
  readonly bin: string;
  readonly postgres: string;
  /** What a program stands in for, to be said. */
  readonly notes: readonly string[];
}

/** The programs of the images, found or built. @throws Error with what is missing */
export async function findPrograms(folder: string, temporal: string): Promise<Programs> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const notes = ['the Web UI is not started: there is no program of it'];
  await buildServer(bin);
  await symlink(temporal, join(bin, 'temporal'));
  const [ready] = await onPath(['/usr/bin', ...versions('/usr/lib/postgresql')], 'pg_isready');
  if (ready === undefined) throw new Error('pg_isready is missing (apt-get install postgresql-client)');
  await symlink(ready, join(bin, 'pg_isready'));
  if (!existsSync('/bin/nc') && !existsSync('/usr/bin/nc')) {
    notes.push('nc of the health check is one of bash');
    await writeFile(join(bin, 'nc'), '#!/bin/bash\nexec 3<>"/dev/tcp/$2/$3"\n', { mode: 0o755 });
  }
  const { root } = await findBinaries();
  return { bin, postgres: join(root, 'bin'), notes };
}

function versions(folder: string): string[] {
  return Array.from({ length: 12 }, (_, index) => join(folder, String(24 - index), 'bin'));
}

async function onPath(folders: readonly string[], name: string): Promise<readonly string[]> {
  return folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));
}

/** From the modules that the dev server is built from; they are there when that was built here. */
async function buildServer(bin: string): Promise<void> {
  const server = join(bin, 'temporal-server');
  const env = cleanEnvironment({ CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '-mod=readonly' });
  const go = (...args: string[]) => run('go', args, { cwd: MODULE, env, timeout: BUILD_LIMIT_MS });
  try {
    await go('build', '-trimpath', '-ldflags', '-s -w', '-o', server, './production');
    const { stdout } = await go('list', '-m', '-f', '{{.Dir}}', 'go.temporal.io/server');
    await mkdir(join(bin, 'config'));
    await copyFile(join(stdout.trim(), 'config/docker.yaml'), join(bin, 'config/docker.yaml'));
    await chmod(join(bin, 'config/docker.yaml'), 0o644);
  } catch (error) {
    throw new Error(`the production server cannot be built with go: ${String(error).slice(0, 500)}`, { cause: error });
  }
  await symlink(server, join(bin, 'temporal-sql-tool'));
}

export class Composed {
  readonly #folder: string;
  readonly #network: Network;
  readonly #programs: Programs;

  constructor(folder: string, network: Network, programs: Programs) {
    this.#folder = folder;
    this.#network = network;
    this.#programs = programs;
  }

  /** What a service runs in: the image's environment, and the file's with paths of this machine. */
  environmentOf(service: Service, home: string): Record<string, string> {
    const { bin } = this.#programs;
    const own = Object.entries(service.environment).map(([name, value]): [string, string] => {
      const file = service.files.get(value);
      return [name, file === undefined ? value.replace(HOME_THERE, home) : resolve(file)];
    });
    const path = `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    return {
      PATH: path,
      HOME: home,
      LANG: 'C.UTF-8',
      PGHOST: this.#socketsOf(service.name),
      ...Object.fromEntries(own),
    };
  }

  #socketsOf(name: string): string {
    return join(this.#folder, `${name}-sockets`);
  }

  #logOf(name: string): string {
    return join(this.#folder, `${name}.log`);
  }

  /** Runs a service that ends by itself, as often as its restart policy lets it. */
  async runToEnd(service: Service): Promise<void> {
    const home = join(this.#folder, service.name);
    await mkdir(home, { recursive: true });
    const options = { cwd: this.#folder, env: this.environmentOf(service, home), timeoutMs: HEALTHY_LIMIT_MS };
    let said = '';
    for (let tries = 1; tries <= 10; tries += 1) {
      const { code, stdout, stderr } = await this.#network.run(service.name, this.commandOf(service), options);
      said = `${stdout}${stderr}`;
      if (code === 0) return;
    }
    throw new Error(`the service ${service.name} did not come to its end: ${said.slice(-2_000)}`);
  }

  /** Starts a service on a machine, and waits until its health check is content. */
  async start(
    service: Service,
    machine = service.name,
    more: Readonly<Record<string, string>> = {},
  ): Promise<ChildProcess> {
    const home = join(this.#folder, machine);
    await mkdir(home, { recursive: true });
    const isPostgres = service.image.startsWith('postgres:');
    const command = isPostgres ? await this.#preparePostgres(service, home) : this.commandOf(service);
    const env = { ...this.environmentOf(service, home), ...more };
    const cwd = service.image.startsWith('temporalio/server') ? this.#programs.bin : this.#folder;
    const child = this.#network.start(machine, command, { cwd, env, log: this.#logOf(machine) });
    const { check } = service;
    if (check === null) return child;
    let said = '';
    await eventually(
      `the service ${service.name} to be healthy on ${machine}`,
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${await this.logOf(machine)}`);
        const words = check.map((word) => (word === CLI_THERE ? CLI : word));
        const { code, stdout, stderr } = await this.#network.run(machine, words, { cwd: this.#folder, env });
        said = `${stdout}${stderr}`;
        return code === 0;
      },
      HEALTHY_LIMIT_MS,
    ).catch(async (error: unknown) => {
      const log = await this.logOf(machine);
      throw new Error(`${String(error)}\n${said.slice(-1_000)}\n${log}`, { cause: error });
    });
    return child;
  }

  /** How often a machine's whole log says something. */
  async timesInLog(machine: string, text: string): Promise<number> {
    return (await readFile(this.#logOf(machine), 'utf8').catch(() => '')).split(text).length - 1;
  }

  async logOf(machine: string): Promise<string> {
    return (await readFile(this.#logOf(machine), 'utf8').catch(() => '')).slice(-2_000);
  }

  /** The image's program with the file's entrypoint and command. */
  commandOf({ image, entrypoint, command }: Service): readonly string[] {
    if (entrypoint.length > 0) return [...entrypoint, ...command];
    if (image.startsWith('temporalio/server')) return [join(this.#programs.bin, 'temporal-server'), 'start'];
    if (image.startsWith('tributary-worker')) return [process.execPath, CLI, ...command];
    throw new Error(`it is not known how the image ${image} is started`);
  }

  /** What the image's entrypoint does: makes the cluster, its user and its database. */
  async #preparePostgres({ name, environment }: Service, home: string): Promise<readonly string[]> {
    const { POSTGRES_USER: user = 'postgres', POSTGRES_PASSWORD: password = '', POSTGRES_DB: database } = environment;
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => (await run('id', [flag, 'postgres'])).stdout),
    );
    const own = async (path: string): Promise<void> => chown(path, Number(uid), Number(gid));
    const sockets = this.#socketsOf(name);
    await mkdir(sockets);
    const secret = join(home, 'password');
    await writeFile(secret, password, { mode: 0o600 });
    const data = join(home, 'data');
    await mkdir(data, { mode: 0o700 });
    for (const path of [sockets, secret, data]) await own(path);
    await chmod(home, 0o755);
    const as = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
    const { postgres } = this.#programs;
    const flags = ['--encoding=UTF8', '--locale=C', '--no-sync', '--auth-local=trust', '--auth-host=scram-sha-256'];
    const init = [...as, join(postgres, 'initdb'), '-D', data, '-U', user, `--pwfile=${secret}`, ...flags];
    const options = { cwd: '/', env: { PATH: '/usr/bin:/bin' } };
    const made = await this.#network.run(name, init, options);
    if (made.code !== 0) throw new Error(`initdb: ${made.stderr}`);
    const rules = join(data, 'pg_hba.conf');
    await writeFile(rules, `${await readFile(rules, 'utf8')}\nhost all all all scram-sha-256\n`);
    const wanted = database ?? user;
    const single = [...as, join(postgres, 'postgres'), '--single', '-D', data, 'postgres'];
    const words = single.map((word) => `'${word}'`).join(' ');
    const create = ['/bin/sh', '-c', `echo 'create database "${wanted}"' | ${words}`];
    const created = await this.#network.run(name, create, options);
    if (created.code !== 0) throw new Error(`create database: ${created.stderr}`);
    const settings = ['listen_addresses=*', `unix_socket_directories=${sockets}`, 'fsync=off', 'port=5432'];
    return [...as, join(postgres, 'postgres'), '-D', data, ...settings.flatMap((one) => ['-c', one])];
  }
}
