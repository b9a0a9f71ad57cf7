/**
 * The Temporal dev server of one state home. Keeps true: the database survives a power cut (WAL, synchronous full) and
 * a kill in its making (one that has never served is made anew: nobody was ever told its address, N1); everything that
 * it opens is on loopback; what it is not given at its start it gets before it counts as ready.
 */

import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { openHome, readIfThere, type HomePaths } from './home.ts';
import { choosePorts, isFree, LOOPBACK } from './ports.ts';
import { type DetachedProcess, endProcess, spawnDetached, type Step } from './processes.ts';
import { messageOf } from '../core/thrown.ts';
import type { LocalFailure } from './report.ts';
import { logSince, partFailure, sizeOf } from './part-failure.ts';
import { prepareNamespace, type SearchAttributes } from './temporal-namespace.ts';

const READY_TIMEOUT_MS = 30_000;
const START_TRIES = 3;

/** How the dev server is ended; it takes a second to drain. */
export const END_TEMPORAL: readonly Step[] = [
  ['SIGTERM', 8_000],
  ['SIGKILL', 3_000],
];

/** Without these every hop of an idle system waits 50 ms, and task-queue priorities are ignored. */
const DYNAMIC_CONFIG: readonly string[] = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'history.visibilityProcessorMaxPollRPS=2000',
  'history.outboundProcessorMaxPollRPS=2000',
  'matching.useNewMatcher=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];

export interface TemporalPorts {
  readonly grpc: number;
  readonly ui: number;
  readonly metrics: number;
  readonly http: number;
}

export interface StartTemporalRequest {
  readonly binary: string;
  readonly home: string;
  readonly namespace: string;
  readonly preferredPort: number | null;
  readonly preferredUiPort: number | null;
  /** Names and types (`Keyword`, `Int`, …) to be registered. */
  readonly searchAttributes: SearchAttributes;
  /** Where the Web UI has what is encrypted decrypted; nowhere when left out or null. */
  readonly codecEndpoint?: string | null;
  /** Exactly this one, as after a restart: a taken one is a failure. Of the others nobody is told by hand. */
  readonly port?: number;
  /** False: the database is in memory alone. */
  readonly durable?: boolean;
  readonly readyTimeoutMs?: number;
  /** Told of the process before it is ready. */
  readonly onSpawned?: (process: DetachedProcess, ports: TemporalPorts) => Promise<void>;
  readonly signal?: AbortSignal;
}

export interface RunningTemporal {
  readonly kind: 'running';
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly uiUrl: string;
  readonly ports: TemporalPorts;
  readonly process: DetachedProcess;
  stop(): Promise<void>;
}

export type StartTemporalResult = RunningTemporal | { readonly kind: 'failed'; readonly failure: LocalFailure };

/** Starts the dev server in a session of its own, and returns when it serves the namespace. */
export async function startTemporal(request: StartTemporalRequest): Promise<StartTemporalResult> {
  const paths = await openHome(request.home);
  for (let attempt = 1; ; attempt += 1) {
    const ports = await chooseAll(request);
    const result = await startOn(request, paths, ports);
    const lostPort =
      result.kind === 'failed' && /address already in use|can't (set|use) .*port/.test(result.failure.evidence ?? '');
    // Between the choice of a port and the server's own bind somebody else may have taken it.
    if (result.kind === 'running' || !lostPort || attempt === START_TRIES) return result;
  }
}

async function chooseAll({ port, preferredPort, preferredUiPort }: StartTemporalRequest): Promise<TemporalPorts> {
  const [grpc, ui, metrics, http] = await choosePorts([port ?? preferredPort, preferredUiPort, null, null]);
  if (grpc === undefined || ui === undefined || metrics === undefined || http === undefined)
    throw new Error('no ports');
  return { grpc: port ?? grpc, ui, metrics, http };
}

async function startOn(
  request: StartTemporalRequest,
  paths: HomePaths,
  ports: TemporalPorts,
): Promise<StartTemporalResult> {
  const durable = request.durable ?? true;
  for (const port of Object.values(ports) as readonly number[]) {
    // Another Temporal on that port would answer in this one's place.
    if (!(await isFree(port))) return failed(`the port ${port} is taken by another program`, 'address already in use');
  }
  if (durable && (await readIfThere(paths.temporalMade)) === null) await removeDatabase(paths);
  const logStart = await sizeOf(paths.temporalLog);
  const child = await spawnDetached({
    argv: [request.binary, ...serverArguments(request, paths, ports, durable)],
    cwd: paths.temporalFolder,
    // It asks for its account's name, which not every account of a container has.
    env: { HOME: paths.temporalFolder, USER: 'tributary' },
    logFile: paths.temporalLog,
    home: paths.home,
  });
  if ('missing' in child) return failed(`${request.binary} cannot be run: ${child.missing}`, '');
  const address = `${LOOPBACK}:${ports.grpc}`;
  const stop = async (): Promise<void> => {
    // What is in memory alone is lost either way.
    await endProcess(child, durable ? END_TEMPORAL : [['SIGKILL', 3_000]]);
  };
  try {
    await request.onSpawned?.(child, ports);
    const why = await untilServing(request, child, address);
    if (why === null) {
      if (durable) await writeFile(paths.temporalMade, 'This database has served.\n', { mode: 0o600, flush: true });
      return { kind: 'running', address, uiUrl: `http://${LOOPBACK}:${ports.ui}`, ports, process: child, stop };
    }
    await stop();
    return failed(why, await logSince(paths.temporalLog, logStart));
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverArguments(
  request: StartTemporalRequest,
  paths: HomePaths,
  ports: TemporalPorts,
  durable: boolean,
): readonly string[] {
  const database = [
    '--db-filename',
    paths.temporalDb,
    '--sqlite-pragma',
    'journal_mode=wal',
    '--sqlite-pragma',
    'synchronous=full',
  ];
  const options: Readonly<Record<string, string>> = {
    '--ip': LOOPBACK,
    '--ui-ip': LOOPBACK,
    '--port': String(ports.grpc),
    '--ui-port': String(ports.ui),
    '--metrics-port': String(ports.metrics),
    '--http-port': String(ports.http),
    '--namespace': request.namespace,
    '--log-level': 'warn',
    ...(request.codecEndpoint == null ? {} : { '--ui-codec-endpoint': request.codecEndpoint }),
  };
  return [
    'server',
    'start-dev',
    ...(durable ? database : []),
    ...Object.entries(options).flat(),
    ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
    ...Object.entries(request.searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

/** Null once the namespace can be used; else why not. */
async function untilServing(
  request: StartTemporalRequest,
  child: DetachedProcess,
  address: string,
): Promise<string | null> {
  const limitMs = request.readyTimeoutMs ?? READY_TIMEOUT_MS;
  const settled = new AbortController();
  const signal = request.signal === undefined ? settled.signal : AbortSignal.any([request.signal, settled.signal]);
  const { namespace, searchAttributes } = request;
  try {
    return await Promise.race([
      prepareNamespace({ address, namespace, searchAttributes, limitMs, signal }),
      child.ended.then(({ text }) => `the Temporal server ended with ${text} before it was ready`),
      pause(limitMs, `the Temporal server did not answer within ${limitMs / 1000} s`, { signal }),
    ]);
  } catch (error) {
    return request.signal?.aborted === true ? 'the start was called off' : messageOf(error);
  } finally {
    settled.abort();
  }
}

async function removeDatabase(paths: HomePaths): Promise<void> {
  await Promise.all(['', '-wal', '-shm', '-journal'].map((suffix) => rm(paths.temporalDb + suffix, { force: true })));
}

function failed(message: string, log: string): StartTemporalResult {
  const next = 'look at logs/temporal.log in the state home; tasks doctor looks at the whole machine';
  return partFailure({ kind: 'temporal-failed', message, next }, log);
}
