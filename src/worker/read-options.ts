/** What a worker is started with: its command line, the environment, host.yaml and the build that it belongs to. */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openCodec } from '../codec/encryption-codec.ts';
import { resolveConnection } from '../config/connection.ts';
import { resolveEncryption } from '../config/encryption.ts';
import { readEnvironment, type Environment } from '../config/environment.ts';
import { allowedEnvironment, grantsOf, programPath, readHostFile, type HostSettings } from '../config/host-file.ts';
import { readOwnBuild, readOwnVersion } from '../config/own-build.ts';
import { parseProjectFile, readGate } from '../config/project-file.ts';
import { seenBySandboxes, knownPlacesOf } from '../config/seen-by-sandboxes.ts';
import { grantSecrets } from '../config/secrets.ts';
import { parseBuildId } from '../core/builds.ts';
import { parseLabels } from '../core/labels.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { openHome, readHostId } from '../local/home.ts';
import type { StartWorkerOptions } from './start-worker.ts';

const GIT_RUNNER = fileURLToPath(new URL('git-runner.js', import.meta.url));
const PROCESS_STARTER = fileURLToPath(new URL('process-starter.js', import.meta.url));
const PROCESS_GUARD = fileURLToPath(new URL('process-guard.js', import.meta.url));
const NETWORK_BRIDGE = fileURLToPath(new URL('network-bridge.js', import.meta.url));
const FAILURE_CONVERTER = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../workflows.js', import.meta.url));
const DEFAULT_GRACE_MS = 10_000;
/** After its grace a worker needs ten seconds to end what does not end by itself, and as many for what it does beside. */
const DEFAULT_END_MS = 40_000;
const MAX_GRACE_MS = 24 * 60 * 60 * 1_000;
const MAX_SLOTS = 1_000;

export interface Started extends StartWorkerOptions {
  /** How long after its grace a worker that drains is ended all the same, in milliseconds. */
  readonly endMs: number;
}

/** @returns what is wrong with the first thing that is */
export async function readOptions(log: StartWorkerOptions['log']): Promise<Parsed<Started>> {
  const environment = readEnvironment();
  const [host, connection] = await Promise.all([readHostFile(environment.home), resolveConnection(environment)]);
  if (host.kind === 'invalid') return host;
  if (connection.kind !== 'connection') return fail(connection.message);
  const { temporal, postgres } = connection;
  if (postgres === null) return fail('DATABASE_URL: is not set; name the Postgres that the ledger lives in');
  const line = readCommandLine(host.value);
  if (line.kind === 'invalid') return line;
  const keys = await resolveEncryption(host.value.encryption, environment.all);
  if (keys.kind === 'invalid') return keys;
  const codec = openCodec(keys.value);
  if (codec.kind === 'invalid') return codec;
  const version = readOwnVersion();
  const build = parseBuildId(environment.buildId ?? readOwnBuild() ?? version);
  if (build.kind === 'invalid') return fail(`TASKS_BUILD_ID: ${build.message}`);
  const { home } = await openHome(environment.home);
  return ok({
    ...line.value,
    ...ofHost(host.value, environment),
    hostId: await readHostId(home),
    home,
    address: temporal.address,
    namespace: temporal.namespace,
    apiKey: temporal.apiKey,
    tls: temporal.tls,
    databaseUrl: postgres.url,
    version,
    build: build.value,
    versioning: environment.versioning,
    gitRunner: GIT_RUNNER,
    processStarter: PROCESS_STARTER,
    processGuard: PROCESS_GUARD,
    networkBridge: NETWORK_BRIDGE,
    workflows: { codePath: WORKFLOWS },
    payloads: { codec: codec.value, failureConverter: FAILURE_CONVERTER },
    personalEnvironment: environment.all,
    parseSettings: parseProjectFile,
    readGate,
    log,
  });
}

type CommandLine = Pick<Started, 'agents' | 'gates' | 'labels' | 'graceMs' | 'endMs' | 'startedBy'>;

/** What is not said there is as host.yaml has it. */
function readCommandLine(host: HostSettings): Parsed<CommandLine> {
  const { values } = parseArgs({
    options: {
      agents: { type: 'string' },
      gates: { type: 'string' },
      labels: { type: 'string' },
      'grace-ms': { type: 'string' },
      'end-ms': { type: 'string' },
      parent: { type: 'string' },
    },
  });
  const agents = readNumber('--agents', values.agents, host.agents, 0, MAX_SLOTS);
  if (agents.kind === 'invalid') return agents;
  const gates = readNumber('--gates', values.gates, host.gates, 0, MAX_SLOTS);
  if (gates.kind === 'invalid') return gates;
  const grace = readNumber('--grace-ms', values['grace-ms'], DEFAULT_GRACE_MS, 0, MAX_GRACE_MS);
  if (grace.kind === 'invalid') return grace;
  const end = readNumber('--end-ms', values['end-ms'], DEFAULT_END_MS, 0, MAX_GRACE_MS);
  if (end.kind === 'invalid') return end;
  const labels = values.labels === undefined ? ok([]) : parseLabels(values.labels);
  if (labels.kind === 'invalid') return fail(`--labels: ${labels.message}`);
  // One that has ended has left this process to somebody else.
  const startedBy = values.parent === String(process.ppid) ? process.ppid : null;
  const times = { graceMs: grace.value, endMs: end.value };
  return ok({ agents: agents.value, gates: gates.value, labels: labels.value, ...times, startedBy });
}

/** What host.yaml says of agents, gates and workspaces, and who is told of what. */
function ofHost(host: HostSettings, environment: Environment) {
  const known = knownPlacesOf(environment);
  return {
    limits: {
      maxProcesses: host.limits.processes,
      maxCpus: host.limits.cpus ?? Infinity,
      maxMemoryBytes: host.limits.memory,
      maxWrittenBytes: host.limits.disk,
      endBelowBytes: host.limits.free,
      checkpointMs: host.checkpointMs,
    },
    workspaces: host.workspaces,
    ports: host.ports,
    checkouts: host.checkouts,
    containment: host.containment === 'preferred',
    confinement: {
      sandbox: host.sandbox,
      ...seenBySandboxes(host, environment),
      write: host.write,
      granted: (agent) => grantsOf(host, agent),
      personHome: environment.userHome,
    },
    environment: (request) => ({ ...known.variables, ...allowedEnvironment(host, environment.all, request) }),
    secretsFor: (agent) => grantSecrets(host, environment.all, agent),
    program: (name) => programPath(host, name),
    notices: {
      rules: host.notify,
      readTargets: async () => {
        const now = await readHostFile(environment.home);
        return now.kind === 'invalid' ? now : ok(now.value.targets);
      },
      readUi: () => readUi(environment, host.ui),
    },
  } satisfies Partial<StartWorkerOptions>;
}

/** The stack notes the Web UI's address when it is ready, which may be after the worker has started. */
async function readUi(environment: Environment, ui: string | null): Promise<string | null> {
  if (ui !== null) return ui;
  const connection = await resolveConnection(environment);
  return connection.kind === 'connection' ? connection.temporal.uiUrl : null;
}

function readNumber(
  name: string,
  text: string | undefined,
  otherwise: number,
  min: number,
  max: number,
): Parsed<number> {
  if (text === undefined) return ok(otherwise);
  const value = Number(text);
  return Number.isInteger(value) && value >= min && value <= max
    ? ok(value)
    : fail(`${name}: must be a whole number from ${min} to ${max}`);
}
