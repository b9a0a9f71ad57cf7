/** docker-compose.yml and infra/, as far as they can be told wrong without a container engine. */

import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ENVIRONMENT_VARIABLES } from '../../src/config/environment-variables.ts';

interface Service {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const read = (path: string): string => readFileSync(path, 'utf8');
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
        .filter((source) => (source.startsWith('./') ? !existsSync(source) : !(source in compose.volumes))),
      ...(build === undefined || existsSync(build.dockerfile) ? [] : [build.dockerfile]),
    ]);
    expect(wrong).toEqual([]);
  });

  it('gives Tributary only variables that it reads, and starts commands that it has', () => {
    expect(ours.map(([name]) => name)).toEqual(['setup', 'worker']);
    const known = ENVIRONMENT_VARIABLES.flatMap(([names]) => names.split(', '));
    const commands = readdirSync('src/cli/commands').map((name) => name.replace('.ts', ''));
    for (const [, { environment = {}, command = [] }] of ours) {
      expect(known).toEqual(expect.arrayContaining(Object.keys(environment)));
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
  });
});

describe('the dynamic configuration', () => {
  it('is what the dev server of one machine is given', () => {
    const settings = parse(read('infra/temporal/dynamic-config.yaml')) as Record<string, [{ value: unknown }]>;
    const given = read('src/local/temporal-server.ts');
    for (const [name, [{ value }]] of Object.entries(settings)) expect(given).toContain(`${name}=${String(value)}`);
  });
});
