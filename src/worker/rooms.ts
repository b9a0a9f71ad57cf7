/** The rooms of a worker that touch its machine: processes and git. */

import type { Dependencies, Limits } from '../activities/dependencies.ts';
import type { SandboxMode } from '../core/project.ts';
import { confineBy, createGitRoom, whyNotConfined, type Confine } from '../git/room.ts';
import { startGitRunner } from '../git/runner.ts';
import { createProcessRoom } from '../process/room.ts';
import type { ProcessRoom } from '../process/types.ts';
import type { StartWorkerOptions } from './start-worker.ts';

type RoomOptions = Pick<
  StartWorkerOptions,
  | 'home'
  | 'log'
  | 'hostId'
  | 'agents'
  | 'gates'
  | 'containment'
  | 'confinement'
  | 'processStarter'
  | 'processGuard'
  | 'startedBy'
  | 'networkBridge'
  | 'gitRunner'
  | 'readGate'
  | 'personalEnvironment'
>;

/** Half of what a machine has at the least. */
const MAX_PROCESSES = 16_384;

/** Opens them. Ends first what a worker that died has left. */
export async function openRooms(options: RoomOptions, limits: Pick<Limits, 'maxProcesses' | 'maxCpus'>) {
  const { home, log } = options;
  const processRoom = await createProcessRoom({
    home,
    starter: options.processStarter,
    guard: options.processGuard,
    startedBy: options.startedBy ?? null,
    bridge: options.networkBridge,
    // Threads count, too: with twice as many no tree meets it before it meets its own limit.
    processes: Math.min(MAX_PROCESSES, 2 * limits.maxProcesses * (options.agents + options.gates)),
    cpus: limits.maxCpus,
    ...(options.containment ? {} : { bwrapPath: null }),
  });
  const swept = await processRoom.sweepLeftovers();
  if (swept > 0) log('ended processes that a dead worker left', { swept });
  warnOfLimits(processRoom, limits, log);
  warnOfSandbox(options.confinement.sandbox, processRoom, log);
  const runner = options.gitRunner === null ? null : startGitRunner(options.gitRunner);
  const confine = await confineGit(options, processRoom);
  const git = createGitRoom({
    home,
    worker: options.hostId,
    readMerges: (text) => {
      const read = options.readGate(text);
      return read.kind === 'ok' ? (read.merges ?? []) : [];
    },
    personal: { env: options.personalEnvironment },
    log,
    confine,
    ...(runner === null ? {} : { collect: runner.collect }),
  });
  const close = async (): Promise<void> => {
    try {
      await processRoom.close();
    } finally {
      await runner?.close();
    }
  };
  return { processRoom, git, close };
}

/**
 * Git is held as agents are: not where the host's own configuration wants no sandbox, nor where none can be made; nor where git
 * itself does not start in one, as when what it needs lies where no sandbox looks.
 */
async function confineGit(
  { home, log, confinement: { sandbox, hidden, read }, personalEnvironment }: RoomOptions,
  { confined }: Pick<ProcessRoom, 'confined'>,
): Promise<Confine | null> {
  if (sandbox === 'off' || confined === null) return null;
  const confine = confineBy(confined, { read, hidden });
  const why = await whyNotConfined({ home, confine, personal: { env: personalEnvironment } });
  if (why === null) return confine;
  log('git that looks at worktrees is held by no sandbox', { why });
  return null;
}

/** Said once a start, with why: what the watch alone sees to, or nothing at all. */
function warnOfLimits(room: ProcessRoom, { maxCpus }: Pick<Limits, 'maxCpus'>, log: Dependencies['log']): void {
  const { why, next } = room.lacks() ?? {};
  const because = why === undefined ? {} : { why, next };
  if (!room.holdsMemory()) log("agents' memory is watched, and not held by the kernel", because);
  else if (why !== undefined) log('the kernel does not hold agents to all limits', because);
  if (Number.isFinite(maxCpus) && !room.holdsCpus())
    log('limits.cpus of host.yaml is held by nothing', { cpus: maxCpus, ...because });
}

/** Said once a start, in one line: without it agents reach what the worker's account does. */
function warnOfSandbox(
  mode: SandboxMode | null,
  { sandbox, containment }: Pick<ProcessRoom, 'sandbox' | 'containment'>,
  log: Dependencies['log'],
): void {
  const held = containment.kind === 'process-group' ? { processes: 'held by their group alone' } : {};
  if (mode === 'off') log('agents run without a sandbox', { why: 'host.yaml has sandbox: off', ...held });
  else if (sandbox.kind === 'missing')
    log('agents run without a sandbox, or not at all where one is required', { why: sandbox.why, ...held });
}
