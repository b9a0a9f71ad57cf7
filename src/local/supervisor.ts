/**
 * The supervisor of one state home: starts Temporal, Postgres and a worker, starts again what dies, and stops all of it
 * in order. Owns the home's lock, `stack.json` and `ports.json`. Keeps true: a part is in stack.json before it is waited
 * for, so that nothing is lost sight of when this process is killed; restarted servers keep their ports, so that nobody
 * has to be told; the worker drains before the servers that it needs go away (N1); once the lock is gone, with the home,
 * nothing is started or written there any more: it may be another stack's by then.
 */

import { statfs, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { boundLogs } from './bounded-logs.ts';
import { noSpace, openHome, type HomePaths } from './home.ts';
import { partFailure } from './part-failure.ts';
import { startPostgres } from './postgres.ts';
import { preferredPorts, type StackPorts } from './preferred-ports.ts';
import { type DetachedProcess, endProcess, identify, spawnDetached } from './processes.ts';
import type { LocalFailure } from './report.ts';
import { endWorkerSteps, stopStack, WORKER_GRACE_MS } from './stack.ts';
import { EMPTY_STACK, type PartName, type StackRecord, writeStack } from './stack-record.ts';
import { lockStack, type StackLock } from './stack-lock.ts';
import {
  type PartEvents,
  asFailure,
  RESTART_BACKOFF,
  type StartedPart,
  type SupervisedPart,
  supervisePart,
} from './supervised-part.ts';
import type { SuperviseRequest, SuperviseResult, TemporalWish, WorkerWish } from './supervisor-types.ts';
import { startTemporal, type TemporalPorts } from './temporal-server.ts';

const NO_SPACE = /No space left on device|ENOSPC|EDQUOT|disk is full|disk quota exceeded/i;
const PLENTY_BYTES = 256 * 1024 * 1024;
const LOOK_EVERY_MS = 2_000;

/** Runs a home's stack until the signal; a part's failure counts only at its first start, later ones are tried for ever. */
export async function superviseStack(request: SuperviseRequest): Promise<SuperviseResult> {
  const paths = await openHome(request.home);
  const lock = await lockStack(paths.home);
  if (lock.kind === 'taken') {
    const message = `a stack runs already for ${paths.home}, under process ${lock.pid}`;
    return { kind: 'failed', failure: { kind: 'stack-running', message, next: 'use it, or stop it with tasks down' } };
  }
  try {
    const cleared = await stopStack(paths.home, { spareSupervisor: true });
    if (cleared.length > 0) request.report({ kind: 'cleared', parts: cleared });
    return await new Supervisor(request, paths, lock).run();
  } finally {
    await lock.release();
  }
}

class Supervisor {
  readonly #request: SuperviseRequest;
  readonly #paths: HomePaths;
  readonly #lock: StackLock;
  #record: StackRecord;
  #writing: Promise<void> = Promise.resolve();
  #temporalPorts: TemporalPorts | null = null;
  #postgresPort: number | null = null;

  constructor(request: SuperviseRequest, paths: HomePaths, lock: StackLock) {
    this.#request = request;
    this.#paths = paths;
    this.#lock = lock;
    const builds = { supervisor: request.build?.() ?? null, worker: null };
    this.#record = { ...EMPTY_STACK, program: request.program ?? '', builds };
  }

  async run(): Promise<SuperviseResult> {
    const { parts, signal, report } = this.#request;
    const startedAtMs = performance.now();
    const running: [PartName, SupervisedPart][] = [];
    try {
      await this.#note({ supervisor: await identify(process.pid), starting: true });
      const servers = await this.#startServers();
      running.push(...servers);
      let failure = await firstFailure(servers);
      if (failure === null && parts.worker !== null && !signal.aborted) {
        const worker = this.#keepWorker(parts.worker);
        running.push(['worker', worker]);
        failure = await firstFailure([['worker', worker]]);
      }
      if (failure !== null) return { kind: 'failed', failure };
      if (!signal.aborted) {
        await this.#note({ starting: false });
        report({ kind: 'ready', stack: this.#record, afterMs: Math.round(performance.now() - startedAtMs) });
      }
      const end = await untilOver(this.#request, this.#lock, this.#paths.logs);
      return end === 'lost' ? { kind: 'failed', failure: lost(this.#paths) } : { kind: 'stopped' };
    } finally {
      await this.#stop(running);
    }
  }

  async #startServers(): Promise<[PartName, SupervisedPart][]> {
    const { temporal, postgres } = this.#request.parts;
    const wanted = await preferredPorts(this.#paths.home, this.#request.parts);
    const servers: [PartName, SupervisedPart][] = [];
    if (temporal.kind === 'external') {
      await this.#note({ temporal: { ...temporal, external: true, uiUrl: null } });
    } else {
      servers.push(['temporal', this.#keep('temporal', (signal) => this.#startTemporal(temporal, wanted, signal))]);
    }
    if (postgres.kind === 'external') {
      await this.#note({ postgres: { url: postgres.url, external: true, dataDir: '' } });
    } else {
      servers.push(['postgres', this.#keep('postgres', (signal) => this.#startPostgres(wanted, signal))]);
    }
    return servers;
  }

  async #startTemporal(
    wish: Extract<TemporalWish, { kind: 'embedded' }>,
    wanted: StackPorts,
    signal: AbortSignal,
  ): Promise<StartedPart> {
    const { namespace } = wish;
    const result = await startTemporal({
      ...wish,
      home: this.#paths.home,
      preferredPort: wanted.temporal,
      preferredUiPort: this.#temporalPorts?.ui ?? wanted.ui,
      ...(this.#temporalPorts === null ? {} : { port: this.#temporalPorts.grpc }),
      signal,
      onSpawned: ({ pid, startTime }, ports) => {
        const address = `127.0.0.1:${ports.grpc}`;
        const uiUrl = `http://127.0.0.1:${ports.ui}`;
        return this.#note({ temporal: { external: false, address, namespace, uiUrl, pid, startTime } });
      },
    });
    if (result.kind === 'running') this.#temporalPorts = result.ports;
    return result;
  }

  async #startPostgres(wanted: StackPorts, signal: AbortSignal): Promise<StartedPart> {
    const result = await startPostgres({
      home: this.#paths.home,
      preferredPort: wanted.postgres,
      ...(this.#postgresPort === null ? {} : { port: this.#postgresPort }),
      durable: this.#request.durable ?? true,
      signal,
      report: this.#request.report,
      onSpawned: ({ pid, startTime }, dataDir, url) =>
        this.#note({ postgres: { external: false, url, dataDir, pid, startTime } }),
    });
    if (result.kind === 'running') this.#postgresPort = result.port;
    return result;
  }

  #keepWorker(wish: WorkerWish): SupervisedPart {
    return this.#keep('worker', async (): Promise<StartedPart> => {
      const { temporal, postgres } = this.#record;
      if (temporal === null || postgres === null) throw new Error('a worker was started before its servers');
      const command = wish.command({
        temporalAddress: temporal.address,
        namespace: temporal.namespace,
        postgresUrl: postgres.url,
      });
      const builds = { ...this.#record.builds, worker: this.#request.build?.() ?? null };
      const child = await spawnDetached({ ...command, logFile: this.#paths.workerLog, home: this.#paths.home });
      if ('missing' in child) {
        const message = `the worker cannot be run: ${child.missing}`;
        return partFailure({ kind: 'worker-failed', message, next: 'reinstall, or look at logs/worker.log' });
      }
      const stop = (): Promise<void> => stopWorker(child, wish.graceMs ?? WORKER_GRACE_MS);
      try {
        await this.#note({ worker: { pid: child.pid, startTime: child.startTime }, builds });
      } catch (error) {
        // The next start would be beside one that nobody knows of.
        await stop();
        throw error;
      }
      return { kind: 'running', process: child, stop };
    });
  }

  #keep(
    part: 'temporal' | 'postgres' | 'worker',
    start: (signal: AbortSignal) => Promise<StartedPart>,
  ): SupervisedPart {
    const { report, backoff } = this.#request;
    const events: PartEvents = {
      running: async (pid, afterMs) => {
        // For want of room, say: the next stack then has other ports, and this one goes on.
        if (part !== 'worker') await this.#rememberPorts().catch(() => undefined);
        report({ kind: 'running', part, pid, afterMs });
      },
      failed: (failure) => report({ kind: 'failed', part, failure }),
      died: async (how) => report({ kind: 'died', part, how }),
      restarting: (inMs, restarts) => report({ kind: 'restarting', part, inMs, restarts }),
    };
    report({ kind: 'starting', part });
    return supervisePart((signal) => this.#startInRoom(start, signal), events, backoff ?? RESTART_BACKOFF);
  }

  /** What fails for want of room says so in many words of its own; the cause comes first. */
  async #startInRoom(start: (signal: AbortSignal) => Promise<StartedPart>, signal: AbortSignal): Promise<StartedPart> {
    if (!(await this.#lock.isHeld())) return { kind: 'failed', failure: lost(this.#paths) };
    const part = await start(signal).catch(asFailure);
    if (part.kind === 'running' || !NO_SPACE.test(`${part.failure.message}\n${part.failure.evidence ?? ''}`))
      return part;
    // An old log may speak of it when there is room again.
    const { bavail, bsize } = await statfs(this.#paths.home);
    return bavail * bsize > PLENTY_BYTES ? part : { kind: 'failed', failure: noSpace(this.#paths.home) };
  }

  /** The worker first, then the servers that it drained by. */
  async #stop(running: readonly [PartName, SupervisedPart][]): Promise<void> {
    const order: readonly PartName[] = ['worker', 'temporal', 'postgres'];
    for (const name of order) {
      const part = running.find(([other]) => other === name)?.[1];
      if (part === undefined) continue;
      this.#request.report({ kind: 'stopping', part: name });
      await part.stop();
      this.#request.report({ kind: 'stopped', part: name });
    }
    await this.#written();
    if (!(await this.#lock.isHeld())) return;
    // What a start that was called off may have left, and the record itself.
    await stopStack(this.#paths.home, { spareSupervisor: true });
    await writeStack(this.#paths.home, EMPTY_STACK);
  }

  /** Changes the record on disk; one write after another. */
  #note(change: Partial<StackRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    const record = this.#record;
    return this.#write(() => writeStack(this.#paths.home, record));
  }

  /** One that failed, for want of room say, fails its own caller alone. */
  #write(write: () => Promise<void>): Promise<void> {
    const writing = this.#written().then(write);
    this.#writing = writing;
    return writing;
  }

  #written(): Promise<void> {
    return this.#writing.catch(() => undefined);
  }

  async #rememberPorts(): Promise<void> {
    const ports: StackPorts = {
      temporal: this.#temporalPorts?.grpc ?? null,
      ui: this.#temporalPorts?.ui ?? null,
      postgres: this.#postgresPort,
    };
    await this.#write(() => writeFile(this.#paths.ports, `${JSON.stringify(ports)}\n`, { mode: 0o600 }));
  }
}

async function stopWorker(child: DetachedProcess, graceMs: number): Promise<void> {
  await endProcess(child, endWorkerSteps(graceMs));
}

async function firstFailure(parts: readonly [PartName, SupervisedPart][]): Promise<LocalFailure | null> {
  const failures = await Promise.all(parts.map(([, part]) => part.first));
  return failures.find((failure) => failure !== null) ?? null;
}

function lost({ home }: HomePaths): LocalFailure {
  const message = `the state home ${home}, or the lock in it, was removed while its stack ran, which is stopped`;
  return { kind: 'stack-lost', message, next: 'start a new one with tasks up' };
}

/** Keeps this process alive meanwhile: the servers, which outlive it, do not. */
async function untilOver(request: SuperviseRequest, lock: StackLock, logs: string): Promise<'stopped' | 'lost'> {
  const { signal, lookEveryMs = LOOK_EVERY_MS } = request;
  for (;;) {
    await pause(lookEveryMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return 'stopped';
    if (!(await lock.isHeld())) return 'lost';
    await boundLogs(logs);
  }
}
