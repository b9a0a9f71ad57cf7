/**
 * Two hosts, an origin and the services of docker-compose.yml, each a machine of its own in a network of namespaces: a
 * host is killed in the middle of a phase, and one is cut off and comes back after its task has landed at the other.
 */

import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { cacheFolder } from '../../src/local/home.ts';
import { obtainTemporal } from '../../src/local/temporal-binary.ts';
import { readEnvironment } from '../../src/process/proc.ts';
import { isEnd, type TaskView } from '../../src/core/task-types.ts';
import { eventually } from '../support/eventually.ts';
import { checkLedgerByCommand, checkMain, locksIn } from './checks.ts';
import { CLI, cleanEnvironment, git, jsonLines, type Ran } from './commands.ts';
import { readCompose, type Service } from './compose.ts';
import { Composed, findPrograms } from './composed.ts';
import { changeBuilds } from './host-builds.ts';
import { missingForNetwork, Network } from './network.ts';
import { FaultProject } from './project.ts';
import { tableOf, type Report, type Row } from './table.ts';

export interface HostsOptions {
  readonly folder: string;
  readonly seed: number;
  /** Of the scenarios those whose names contain this. */
  readonly only: string;
  readonly say: (line: string) => void;
}

const SERVERS = ['temporal-db', 'temporal-schema', 'temporal', 'namespace', 'ledger', 'setup'] as const;
const HOSTS = ['host-a', 'host-b'] as const;
type Host = (typeof HOSTS)[number];
const END_LIMIT = '4m';
const SETTLED_LIMIT_MS = 90_000;

export async function runHosts(options: HostsOptions): Promise<Report & { readonly missing?: string }> {
  const { folder, say } = options;
  const missing = await missingForNetwork();
  if (missing !== null) return { missing, table: '', broken: [], isGood: false };
  const temporal = await obtainTemporal({
    pathEnv: process.env['PATH'] ?? '',
    cacheDir: cacheFolder({ xdgCacheHome: process.env['XDG_CACHE_HOME'] ?? null, userHome: homedir() }),
    infraDir: resolve('infra/temporal'),
    env: cleanEnvironment({}),
    report: ({ text }) => say(text),
  });
  if (temporal.kind === 'failed') return { missing: temporal.failure.message, table: '', broken: [], isGood: false };
  say('building the production server with go, some minutes the first time');
  await chmod(folder, 0o711);
  const programs = await findPrograms(folder, temporal.binary);
  for (const note of programs.notes) say(note);
  const project = await FaultProject.make('hosts', join(folder, 'project'), { hooks: true });
  const network = await Network.make(folder, [...SERVERS, ...HOSTS, 'origin', 'person']);
  const broken: string[] = [];
  const rows: Row[] = [];
  const chosen = SCENARIOS.filter(({ name }) => name.includes(options.only));
  try {
    const scene = new HostScene(folder, network, new Composed(folder, network, programs), project);
    await scene.startServers(say);
    for (const scenario of chosen) {
      const wrong = await (scenario.fault === 'builds' ? scene.runBuilds(say) : scene.run(scenario));
      say(`${scenario.name}: ${wrong.length === 0 ? 'right' : wrong.join('; ')}`);
      broken.push(...wrong.map((text) => `${scenario.name}: ${text}`));
      rows.push([scenario.name, 1, wrong.length === 0 ? 1 : 0]);
    }
    broken.push(...(await scene.finish()));
  } catch (error) {
    broken.push(String(error));
  } finally {
    broken.push(...(await network.close()));
  }
  const isGood = broken.length === 0 && chosen.length > 0 && rows.length === chosen.length;
  return { table: tableOf(['two hosts', 'faults', 'right'], rows), broken, isGood };
}

type Scenario = { readonly name: string } & (
  | {
      /** Where the task is as it happens. */
      readonly place: string;
      readonly fault: 'power' | 'cable';
    }
  | { readonly fault: 'builds' }
);

const SCENARIOS: readonly Scenario[] = [
  { name: 'killed as its agent runs', place: 'agent-committed', fault: 'power' },
  { name: 'killed in the store’s push', place: 'before-store', fault: 'power' },
  { name: 'cut off as its agent runs, back after its task has landed', place: 'agent-reported', fault: 'cable' },
  { name: 'cut off in the landing’s push, back after its task has landed', place: 'before-landing', fault: 'cable' },
  { name: 'builds change, and the host of the current one is killed', fault: 'builds' },
];

class HostScene {
  readonly #folder: string;
  readonly #network: Network;
  readonly #composed: Composed;
  readonly #project: FaultProject;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #landed = new Set<string>();

  constructor(folder: string, network: Network, composed: Composed, project: FaultProject) {
    this.#folder = folder;
    this.#network = network;
    this.#composed = composed;
    this.#project = project;
    const passwords = { TEMPORAL_DB_PASSWORD: 'temporal-secret', LEDGER_DB_PASSWORD: 'ledger-secret' };
    this.#services = readCompose(resolve('docker-compose.yml'), passwords);
  }

  #service(name: string): Service {
    const service = this.#services.get(name);
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  }

  /** In the order of the file's conditions. */
  async startServers(say: (line: string) => void): Promise<void> {
    const done = new Set<string>();
    while (done.size < SERVERS.length) {
      const next = SERVERS.find(
        (name) => !done.has(name) && Object.keys(this.#service(name).dependsOn).every((other) => done.has(other)),
      );
      if (next === undefined) throw new Error('the services of docker-compose.yml wait for one another');
      const service = this.#service(next);
      if (service.check === null) await this.#composed.runToEnd(service);
      else await this.#composed.start(service);
      say(`${next}: ${service.check === null ? 'came to its end' : 'healthy'}`);
      done.add(next);
    }
    const daemon = ['git', 'daemon', '--reuseaddr', '--export-all', '--enable=receive-pack'];
    const base = [`--base-path=${join(this.#folder, 'project')}`, join(this.#folder, 'project')];
    const log = join(this.#folder, 'origin.log');
    this.#network.start('origin', [...daemon, ...base], { cwd: this.#folder, env: cleanEnvironment({}), log });
    await git(this.#project.clone, 'remote', 'set-url', 'origin', 'git://origin/origin.git');
    // So that every change of every ref is on record.
    await git(this.#project.origin, 'config', 'core.logAllRefUpdates', 'always');
    await mkdir(join(this.#folder, 'person'));
    await eventually('the origin to answer', async () => {
      const options = { cwd: this.#project.clone, env: cleanEnvironment({}) };
      return (await this.#network.run('person', ['git', 'ls-remote', 'origin'], options)).code === 0;
    });
  }

  async #startHost(host: Host, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const home = join(this.#folder, host);
    await mkdir(home, { recursive: true });
    const yaml = `write: [${JSON.stringify(this.#project.told)}]\nagents: 2\ngates: 1\n`;
    await writeFile(join(home, 'host.yaml'), yaml);
    const since = await this.#composed.timesInLog(host, 'worker ready');
    const worker = await this.#composed.start(this.#service('worker'), host, more);
    await eventually(
      `${host} to be ready`,
      async () => {
        if (worker.exitCode !== null) throw new Error(await this.#composed.logOf(host));
        return (await this.#composed.timesInLog(host, 'worker ready')) > since;
      },
      SETTLED_LIMIT_MS,
    );
  }

  /** A command of the person, on a machine of its own. */
  #tasks(...args: string[]): Promise<Ran> {
    return this.#runAsPerson([process.execPath, CLI, ...args]);
  }

  #runAsPerson(command: readonly string[]): Promise<Ran> {
    const env = this.#composed.environmentOf(this.#service('setup'), join(this.#folder, 'person'));
    const options = { cwd: this.#project.clone, env: { ...env, TASKS_ACTOR: 'Ada' }, timeoutMs: 300_000 };
    return this.#network.run('person', command, options);
  }

  /** Submits a task; where it is to stop, resolves when it has. */
  async #submit(title: string, place: string | null): Promise<string> {
    if (place !== null) await this.#project.stopAt(place);
    const { code, stdout, stderr } = await this.#tasks('submit', title, '--json');
    if (code !== 0) throw new Error(`submitting: ${stderr}`);
    const [{ id }] = jsonLines(stdout) as [{ id: string }];
    if (place !== null) await this.#project.untilAt(place, SETTLED_LIMIT_MS);
    return id;
  }

  async #untilLanded(id: string): Promise<void> {
    const state = await this.#endOf(id);
    if (state !== 'landed') throw new Error(`task ${id} is ${state}`);
    this.#landed.add(id);
  }

  /** With worker versioning, which the hosts before have not had. */
  async runBuilds(say: (line: string) => void): Promise<readonly string[]> {
    try {
      const wrong = await changeBuilds({
        say,
        startHost: (host, env) => this.#startHost(host, env),
        powerOff: (host) => this.#network.powerOff(host),
        tasks: (...args) => this.#tasks(...args),
        temporal: (...args) => this.#runAsPerson(['temporal', ...args]),
        submit: async (title, place) => {
          const id = await this.#submit(title, place);
          if (place === null) await this.#untilLanded(id);
          return id;
        },
        land: async (id) => {
          await this.#project.letGo();
          await this.#untilLanded(id);
        },
      });
      return [...wrong, ...(await checkMain(this.#project, this.#landed))];
    } catch (error) {
      return [String(error)];
    } finally {
      await this.#project.letGo();
      for (const host of HOSTS) await this.#network.powerOff(host);
      await this.#project.reset();
    }
  }

  async run({ name, place, fault }: Exclude<Scenario, { fault: 'builds' }>): Promise<readonly string[]> {
    const project = this.#project;
    const wrong: string[] = [];
    try {
      await this.#startHost('host-a');
      const id = await this.#submit(`${name} (commits)`, place);
      if (fault === 'power') await this.#network.powerOff('host-a');
      else await this.#network.cutOff('host-a');
      if (fault === 'power') await project.letGo();
      await this.#startHost('host-b');
      const state = await this.#endOf(id);
      if (state !== 'landed') return [`task ${id} is ${state}`];
      this.#landed.add(id);
      if (fault === 'cable') wrong.push(...(await this.#bringBack(id, place)));
      wrong.push(...(await checkMain(project, this.#landed)));
      return wrong;
    } catch (error) {
      return [...wrong, String(error)];
    } finally {
      await project.letGo();
      await this.#network.bringBack('host-a');
      for (const host of HOSTS) await this.#network.powerOff(host);
      await project.reset();
    }
  }

  async #endOf(id: string): Promise<string> {
    const { stdout, stderr } = await this.#tasks('wait', id, '--json', '--timeout', END_LIMIT);
    const views = jsonLines(stdout) as readonly TaskView[];
    const view = views.find((one) => one.id === id);
    return view !== undefined && isEnd(view.state) ? view.state : `not ended: ${stderr}`;
  }

  /** What was cut off goes on first, then the cable is back: neither main nor a ref of the task may move. */
  async #bringBack(id: string, place: string): Promise<readonly string[]> {
    const project = this.#project;
    const before = await project.refs();
    await project.letGo();
    await this.#network.bringBack('host-a');
    // At the origin, the push of a host that is gone: it is refused there by what main is by now.
    if (place.startsWith('before-')) await eventually('the push to go on', () => project.wentOn(place));
    await eventually(
      'the host that was cut off to have given up',
      async () => {
        const own = await this.#network.processesOn('host-a');
        return own.every((pid) => !isOf(pid, id));
      },
      SETTLED_LIMIT_MS,
    );
    // It takes and lands what comes next, so it is back.
    await this.#network.powerOff('host-b');
    const { stdout } = await this.#tasks('submit', 'Lands at the host that came back', '--json');
    const [next] = jsonLines(stdout) as [{ id: string }];
    const state = await this.#endOf(next.id);
    const wrong = state === 'landed' ? [] : [`the next task is ${state}`];
    if (state === 'landed') this.#landed.add(next.id);
    for (const [ref, value] of await project.refs()) {
      if (ref === 'refs/heads/main' || ref.includes(next.id) || before.get(ref) === value) continue;
      // One that was not there before harms nobody; the host's janitor removes it.
      if (before.has(ref)) wrong.push(`${ref} was ${before.get(ref)} and is ${value}`);
    }
    return wrong;
  }

  /** Every move of main is one landing, and nothing is locked. */
  async finish(): Promise<readonly string[]> {
    const project = this.#project;
    const moves = (await git(project.origin, 'reflog', 'show', '--format=%H', 'refs/heads/main')).split('\n');
    const landings = await project.landings();
    const wrong =
      moves.length === landings.length ? [] : [`main moved ${moves.length} times for ${landings.length} landings`];
    await this.#startHost('host-a');
    wrong.push(...(await checkLedgerByCommand((...args) => this.#tasks(...args))));
    // A host whose power went has its own locks until it is used again, and nobody else waits for them.
    return [...wrong, ...locksIn([project.origin]).map((path) => `a lock is left: ${path}`)];
  }
}

function isOf(pid: number, id: string): boolean {
  return (readEnvironment(pid) ?? '').includes(`TASKS_TASK_ID=${id}`);
}
