/** The worker as a program: `tasks up` and `tasks worker` start it. Ends with 0 after a drain, 1 on a failure. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { openCodec } from '../codec/encryption-codec.ts';
import { resolveConnection } from '../config/connection.ts';
import { resolveEncryption } from '../config/encryption.ts';
import { readEnvironment, type Environment } from '../config/environment.ts';
import { allowedEnvironment, grantsOf, programPath, readHostFile } from '../config/host-file.ts';
import { parseProjectFile, readGate } from '../config/project-file.ts';
import { grantSecrets } from '../config/secrets.ts';
import { parseBuildId } from '../core/builds.ts';
import { parseLabels } from '../core/labels.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { isRecord } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { openHome, readHostId } from '../local/home.ts';
import { startWorker, type StartWorkerOptions } from './start-worker.ts';

const GIT_RUNNER = fileURLToPath(new URL('git-runner.js', import.meta.url));
const PROCESS_STARTER = fileURLToPath(new URL('process-starter.js', import.meta.url));
const PROCESS_GUARD = fileURLToPath(new URL('process-guard.js', import.meta.url));
const NETWORK_BRIDGE = fileURLToPath(new URL('network-bridge.js', import.meta.url));
const FAILURE_CONVERTER = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));
const WORKFLOWS = fileURLToPath(new URL('../workflows.js', import.meta.url));
const DEFAULT_GRACE_MS = 10_000;
const MAX_SLOTS = 1_000;

async function main(): Promise<number> {
  // Before the runtime, which would keep the process alive.
  const options = await readOptions();
  if (options.kind === 'invalid') {
    process.stderr.write(`tasks worker: ${options.message}\n`);
    return 2;
  }
  Runtime.install({
    // Everything to standard error: standard output is for results.
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => say(`${level} ${message}`, meta ?? {})),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) } },
    shutdownSignals: [],
  });
  const worker = await startWorker(options.value);
  let signals = 0;
  const drain = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals > 1) process.exit(1);
    say(`${signal}: draining; once more ends at once`, { graceMs: options.value.graceMs });
    worker.drain();
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
  say('worker ready', { agents: options.value.agents, gates: options.value.gates, host: options.value.hostId });
  await worker.stopped;
  say('worker stopped', {});
  return 0;
}

async function readOptions(): Promise<Parsed<StartWorkerOptions>> {
  const environment = readEnvironment();
  const [host, connection] = await Promise.all([readHostFile(environment.home), resolveConnection(environment)]);
  if (host.kind === 'invalid') return host;
  if (connection.kind !== 'connection') return fail(connection.message);
  if (connection.postgres === null) return fail('DATABASE_URL: is not set; name the Postgres that the ledger lives in');
  const { values } = parseArgs({
    options: {
      agents: { type: 'string' },
      gates: { type: 'string' },
      labels: { type: 'string' },
      'grace-ms': { type: 'string' },
    },
  });
  const agents = readNumber('--agents', values.agents, host.value.agents, 0, MAX_SLOTS);
  if (agents.kind === 'invalid') return agents;
  const gates = readNumber('--gates', values.gates, host.value.gates, 0, MAX_SLOTS);
  if (gates.kind === 'invalid') return gates;
  const grace = readNumber('--grace-ms', values['grace-ms'], DEFAULT_GRACE_MS, 0, 24 * 60 * 60 * 1_000);
  if (grace.kind === 'invalid') return grace;
  const labels = values.labels === undefined ? ok([]) : parseLabels(values.labels);
  if (labels.kind === 'invalid') return fail(`--labels: ${labels.message}`);
  const keys = await resolveEncryption(host.value.encryption, environment.all);
  if (keys.kind === 'invalid') return keys;
  const codec = openCodec(keys.value);
  if (codec.kind === 'invalid') return codec;
  const version = readVersion();
  const build = parseBuildId(environment.buildId ?? `${version}${readSources()}`);
  if (build.kind === 'invalid') return fail(`TASKS_BUILD_ID: ${build.message}`);
  const { home } = await openHome(environment.home);
  return ok({
    hostId: await readHostId(home),
    home,
    address: connection.temporal.address,
    namespace: connection.temporal.namespace,
    apiKey: connection.temporal.apiKey,
    tls: connection.temporal.tls,
    databaseUrl: connection.postgres.url,
    agents: agents.value,
    gates: gates.value,
    labels: labels.value,
    version,
    build: build.value,
    versioning: environment.versioning,
    graceMs: grace.value,
    gitRunner: GIT_RUNNER,
    processStarter: PROCESS_STARTER,
    processGuard: PROCESS_GUARD,
    networkBridge: NETWORK_BRIDGE,
    workflows: { codePath: WORKFLOWS },
    payloads: { codec: codec.value, failureConverter: FAILURE_CONVERTER },
    limits: {
      maxProcesses: host.value.limits.processes,
      maxMemoryBytes: host.value.limits.memory,
      maxWrittenBytes: host.value.limits.disk,
      endBelowBytes: host.value.limits.free,
      checkpointMs: host.value.checkpointMs,
    },
    workspaces: host.value.workspaces,
    ports: host.value.ports,
    checkouts: host.value.checkouts,
    personalEnvironment: environment.all,
    containment: host.value.containment === 'preferred',
    parseSettings: parseProjectFile,
    readGate,
    environment: (request) => allowedEnvironment(host.value, environment.all, request),
    confinement: {
      sandbox: host.value.sandbox,
      read: host.value.read,
      write: host.value.write,
      granted: (agent) => grantsOf(host.value, agent),
      personHome: environment.userHome,
    },
    secretsFor: (agent) => grantSecrets(host.value, environment.all, agent),
    program: (name) => programPath(host.value, name),
    notices: {
      rules: host.value.notify,
      readTargets: async () => {
        const now = await readHostFile(environment.home);
        return now.kind === 'invalid' ? now : ok(now.value.targets);
      },
      readUi: () => readUi(environment, host.value.ui),
    },
    log: say,
  });
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

/** A hash of the sources, as the build has noted it: dist/build.json. Empty where there is none. */
function readSources(): string {
  try {
    const text = readFileSync(fileURLToPath(new URL('../build.json', import.meta.url)), 'utf8');
    const built: unknown = JSON.parse(text);
    const sources = isRecord(built) ? built['sources'] : null;
    return typeof sources === 'string' ? `-${sources.slice(0, 8)}` : '';
  } catch {
    return '';
  }
}

/** Beside the built program: dist/worker/main.js. */
function readVersion(): string {
  try {
    const text = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
    const manifest: unknown = JSON.parse(text);
    const version = isRecord(manifest) ? manifest['version'] : null;
    return typeof version === 'string' ? version : 'unknown';
  } catch {
    return 'unknown';
  }
}

function say(message: string, facts: Readonly<Record<string, unknown>>): void {
  const extra = Object.keys(facts).length === 0 ? '' : ` ${JSON.stringify(facts, withErrors)}`;
  process.stderr.write(`${new Date().toISOString()} ${message}${extra}\n`);
}

/** An error has nothing that JSON would show. */
function withErrors(_name: string, value: unknown): unknown {
  return value instanceof Error ? messageOf(value) : value;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    say('worker failed', { reason: messageOf(error) });
    process.exit(1);
  },
);
