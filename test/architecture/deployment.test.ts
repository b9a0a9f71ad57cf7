/** docker-compose.yml and infra/, as far as they can be told wrong without a container engine; its head says what was run with one. */

import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { NO_SERVERS, read, refusalOf, VARIABLES } from './deployment-rig.ts';

interface Service {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly container_name?: string;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly pull_policy?: string;
  readonly scale?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === 'tributary-worker');
const dockerfile = read('infra/docker/Dockerfile');

describe('docker-compose.yml', () => {
  it('depends on services, files and volumes that are there', () => {
    const wrong = services.flatMap(([name, { depends_on: others = {}, volumes = [], build }]) => [
      ...Object.keys(others).flatMap((other) => (other in compose.services ? [] : [`${name}: ${other}`])),
      ...volumes
        .map((volume) => volume.split(':')[0] ?? '')
        // One without a name is made with the container.
        .filter((source) => !source.startsWith('/'))
        .filter((source) => (source.startsWith('./') ? !existsSync(source) : !(source in compose.volumes))),
      ...(build === undefined || existsSync(build.dockerfile) ? [] : [build.dockerfile]),
    ]);
    expect(wrong).toEqual([]);
  });

  it('gives the worker what bubblewrap needs in a container, and nobody else', () => {
    const worker = compose.services['worker'];
    expect(worker?.security_opt?.toSorted()).toEqual([
      'apparmor=unconfined',
      'seccomp=unconfined',
      'systempaths=unconfined',
    ]);
    expect(dockerfile).toMatch(/apt-get install -y[^|;]*\sbubblewrap\s/);
    expect(services.filter(([, { security_opt }]) => security_opt !== undefined).map(([name]) => name)).toEqual([
      'worker',
    ]);
  });

  it('gives each replica a state home of its own, which it keeps when its container is made anew', () => {
    const worker = compose.services['worker'];
    // A volume without a name: one with a name all replicas would share, and one that is not there goes with the container.
    expect(worker?.volumes).toEqual([worker?.environment?.['TASKS_HOME']]);
    expect(worker?.container_name).toBeUndefined();
    expect(dockerfile).toMatch(/install -d -o node -g node -m 0700 \/var\/lib\/tributary$/m);
  });

  it('keeps the number of workers through every up, and publishes ports on loopback that can be others', () => {
    expect(compose.services['worker']?.scale).toBe('${WORKERS:-1}');
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    expect(ports).toHaveLength(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z_]+:-\d+\}:\d+$/);
  });

  it('takes a Postgres for healthy only once the server answers that stays', () => {
    // By the socket the server that makes the cluster answers, too, and is then shut down.
    const checks = services.filter(([, { image }]) => image === 'postgres:18').map(([, one]) => one.healthcheck?.test);
    expect(checks).toHaveLength(2);
    for (const check of checks) expect(check?.slice(0, 4)).toEqual(['CMD', 'pg_isready', '-h', '127.0.0.1']);
  });

  it('builds the image of the workers, and asks no registry for it', () => {
    expect(ours.filter(([, { build }]) => build === undefined).map(([, one]) => one.pull_policy)).toEqual(['never']);
    // Passwords may lie in it, beside the file.
    expect(read('infra/docker/Dockerfile.dockerignore').split('\n')).toContain('.env');
  });

  it('gives Tributary only variables that it reads, and starts commands that it has', () => {
    expect(ours.map(([name]) => name)).toEqual(['setup', 'worker']);
    const commands = readdirSync('src/cli/commands').map((name) => name.replace('.ts', ''));
    for (const [, { environment = {}, command = [] }] of ours) {
      expect(VARIABLES).toEqual(expect.arrayContaining(Object.keys(environment)));
      expect(commands).toContain(command[0]);
    }
  });
});

describe('the worker’s image', () => {
  it('copies files that are there, runs scripts that package.json has, and starts the program that it names', () => {
    const { scripts, bin } = JSON.parse(read('package.json')) as {
      scripts: Record<string, string>;
      bin: { tasks: string };
    };
    const copied = /^COPY ((?:[\w.-]+ )+)\.\/$/m.exec(dockerfile)?.[1]?.trim().split(' ') ?? [];
    expect(copied).toEqual(expect.arrayContaining(['package.json', 'package-lock.json']));
    expect(copied.filter((name) => !existsSync(name))).toEqual([]);
    const run = [...dockerfile.matchAll(/^RUN .*npm run (\w+)/gm)].map(([, script]) => script);
    expect(run).toEqual(['build']);
    expect(Object.keys(scripts)).toContain('build');
    expect(dockerfile).toContain(`ENTRYPOINT ["node", "${join('/app', bin.tasks)}"]`);
    expect(dockerfile).toContain(`ln -s ${join('/app', bin.tasks)} /usr/local/bin/tasks`);
  });
});

describe('the systemd unit', () => {
  const unit = read('infra/systemd/tributary-worker.service');
  const settings = unit
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('['))
    .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const valueOf = (name: string): string => settings.find(([key]) => key === name)?.[1] ?? '';

  it('starts the program that package.json names, with a command as it is', async () => {
    const { bin } = JSON.parse(read('package.json')) as { bin: { tasks: string } };
    const [node, program, ...args] = valueOf('ExecStart').split(' ');
    expect([node, program]).toEqual(['/usr/bin/node', join('/opt/tributary', bin.tasks)]);
    expect(await refusalOf(args)).toMatch(NO_SERVERS);
  });

  it('gives Tributary only variables that it reads, and keeps its state home', () => {
    const [name = '', value] = valueOf('Environment').split('=');
    expect(VARIABLES).toContain(name);
    expect(value).toBe(`/var/lib/${valueOf('StateDirectory')}`);
  });

  it('tells the worker alone to drain, and waits longer than a drain takes', () => {
    expect(valueOf('KillMode')).toBe('mixed');
    expect(Number(valueOf('TimeoutStopSec'))).toBeGreaterThan(30);
    expect(settings.map(([key]) => key)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/ProtectKernelTunables|ProtectProc|RestrictNamespaces/)]),
    );
    expect(unit).toContain('# NOT RUN:');
  });
});

describe('the dynamic configuration', () => {
  it('is what the dev server of one machine is given', () => {
    const settings = parse(read('infra/temporal/dynamic-config.yaml')) as Record<string, [{ value: unknown }]>;
    const given = read('src/local/temporal-server.ts');
    expect(Object.keys(settings)).toContain('matching.useNewMatcher');
    for (const [name, [{ value }]] of Object.entries(settings)) expect(given).toContain(`${name}=${String(value)}`);
  });
});

describe('compose file, image, unit and manifest', () => {
  const unit = read('infra/systemd/tributary-worker.service');
  const manifest = read('infra/kubernetes/worker.yaml');
  const worker = compose.services['worker'] as Service & {
    readonly stop_grace_period: string;
    readonly healthcheck: { readonly test: readonly string[] };
  };

  it('have one state home, one time for a drain, and one look at whether a worker is well', () => {
    const home = '/var/lib/tributary';
    expect(worker.environment?.['TASKS_HOME']).toBe(home);
    expect(unit).toContain(`Environment=TASKS_HOME=${home}\n`);
    expect(manifest).toContain(`{ name: TASKS_HOME, value: ${home} }`);
    expect(dockerfile).toContain(`TASKS_HOME=${home}\n`);
    expect(worker.stop_grace_period).toBe('60s');
    expect(unit).toContain('TimeoutStopSec=60\n');
    expect(manifest).toContain('terminationGracePeriodSeconds: 60\n');
    const looks = ['node', '/app/dist/bin/tasks.cjs', 'doctor', '--json'];
    expect(worker.healthcheck.test).toEqual(['CMD', ...looks]);
    expect(manifest).toContain(`command: [${looks.join(', ')}]`);
  });

  it('let a host of its own be started as often as wanted', () => {
    // Neither a name nor a port of the machine that two of them would share.
    for (const key of ['container_name', 'ports']) expect(Object.keys(worker)).not.toContain(key);
    for (const path of ['docker-compose.yml', 'docs/operating.md']) expect(read(path)).toContain('WORKERS=4');
    for (const path of ['infra/kubernetes/worker.yaml', 'docs/operating.md'])
      expect(read(path)).toContain('statefulset tributary-worker --replicas=4');
  });

  it('start the services that there are with health checks, and again when they end', () => {
    for (const [name, service] of services) {
      const { restart, healthcheck } = service as { readonly restart?: string; readonly healthcheck?: unknown };
      const ends = ['temporal-schema', 'namespace', 'setup'].includes(name);
      expect({ name, restart }).toEqual({
        name,
        restart: ends ? expect.stringMatching(/^on-failure:\d+$/) : 'unless-stopped',
      });
      // The Web UI's image has nothing that could ask.
      expect({ name, isChecked: healthcheck !== undefined }).toEqual({
        name,
        isChecked: !ends && name !== 'temporal-ui',
      });
    }
  });
});
