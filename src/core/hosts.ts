/** The machines that run workers, as their workers report them. */

import { quote, type TaskId } from './ids.ts';
import { hasLabels } from './labels.ts';
import { fail, ok, type Parsed } from './parsed.ts';
import type { Hibernated, WorkspacesReport } from './relief.ts';

export interface Slots {
  readonly used: number;
  readonly total: number;
}

/** What one worker says of itself and of its host. */
export interface WorkerReport {
  /** The stable id of its host. */
  readonly host: string;
  /** Tells the workers of one host apart. */
  readonly worker: string;
  readonly version: string;
  /** What tells its code from others' of the same version; an older worker says none. */
  readonly build?: string;
  readonly labels: readonly string[];
  readonly agents: Slots;
  readonly gates: Slots;
  /** The load average of the last minute, and the number of cores. */
  readonly load: number;
  readonly cores: number;
  /** Of the disk with the state home, in bytes. */
  readonly freeBytes: number;
  /** Left out: not known yet, or by an older version. */
  readonly workspaces?: WorkspacesReport;
}

/** A report as the ledger has it. */
export interface WorkerSeen extends WorkerReport {
  /** How long ago it was written, in milliseconds by the ledger's own clock. */
  readonly seenMsAgo: number;
  /** Ended by itself. */
  readonly stopped: boolean;
}

export interface Drain {
  readonly host: string;
  readonly by: string;
  /** ISO 8601. */
  readonly since: string;
}

/**
 * `draining`: takes nothing new, and something still runs. `late`: each of its workers has missed a report, and may have
 * been killed. `silent`: its workers have not been heard of for a while.
 */
export type HostState = 'up' | 'late' | 'draining' | 'drained' | 'silent' | 'stopped';

export interface HostView extends Omit<WorkerReport, 'host' | 'worker' | 'version' | 'build' | 'workspaces'> {
  readonly id: string;
  readonly state: HostState;
  readonly drained: Drain | null;
  /** Workers that have missed no report: the slots are theirs. */
  readonly workers: number;
  /** Workers that have missed a report, and are not given up yet. */
  readonly late: number;
  /** Of all its workers: several while one replaces another. */
  readonly versions: readonly string[];
  /** The same, told apart further; of a worker that says none its version. */
  readonly builds: readonly string[];
  readonly seenMsAgo: number | null;
  /** As the worker says that was seen last; null: none does. */
  readonly workspaces: WorkspacesReport | null;
}

/** A worker reports every ten seconds; one that has missed this much may be gone. */
export const LATE_AFTER_MS = 15_000;
/** A worker that has missed this much of its reports is not counted on. */
export const SILENT_AFTER_MS = 45_000;

/** Less free disk than this, and the workspaces of waiting tasks go. */
export const SHORT_BELOW_BYTES = 2 * 1024 ** 3;

/** Whether the disk of a host that is counted on is full, or nearly so. */
export function isShort({ state, freeBytes }: Pick<HostView, 'state' | 'freeBytes'>): boolean {
  return state !== 'silent' && state !== 'stopped' && freeBytes < SHORT_BELOW_BYTES;
}

/** One for each host, by their ids: two workers of a host share its load and disk, and each has its own slots. */
export function hostsOf(workers: readonly WorkerSeen[], drains: readonly Drain[]): readonly HostView[] {
  const ids = [...new Set([...workers.map(({ host }) => host), ...drains.map(({ host }) => host)])].sort();
  return ids.map((id) =>
    hostOf(
      id,
      workers.filter(({ host }) => host === id).toSorted((one, other) => one.seenMsAgo - other.seenMsAgo),
      drains.find(({ host }) => host === id) ?? null,
    ),
  );
}

/** @param workers of the host, the one that was seen last first */
function hostOf(id: string, workers: readonly WorkerSeen[], drained: Drain | null): HostView {
  const heard = workers.filter(isHeard);
  const punctual = heard.filter(({ seenMsAgo }) => seenMsAgo < LATE_AFTER_MS);
  const [last] = workers;
  const shown = punctual.length > 0 ? punctual : workers.slice(0, 1);
  const sum = (slots: (worker: WorkerSeen) => Slots): Slots => ({
    used: punctual.reduce((total, worker) => total + slots(worker).used, 0),
    total: punctual.reduce((total, worker) => total + slots(worker).total, 0),
  });
  const agents = sum((worker) => worker.agents);
  const gates = sum((worker) => worker.gates);
  // What a late one ran may still run: its host is not called drained before it is given up.
  const busy = heard.some((worker) => worker.agents.used + worker.gates.used > 0);
  return {
    id,
    state:
      heard.length > 0 && punctual.length === 0
        ? 'late'
        : stateOf(last ?? null, heard.length > 0, drained !== null, busy),
    drained,
    workers: punctual.length,
    late: heard.length - punctual.length,
    versions: unique(shown.map(({ version }) => version)),
    builds: unique(shown.map(({ build, version }) => build ?? version)),
    labels: unique(shown.flatMap(({ labels }) => labels)),
    agents,
    gates,
    load: last?.load ?? 0,
    cores: last?.cores ?? 0,
    freeBytes: last?.freeBytes ?? 0,
    seenMsAgo: last?.seenMsAgo ?? null,
    workspaces: workers.find(({ workspaces }) => workspaces !== undefined)?.workspaces ?? null,
  };
}

function stateOf(last: WorkerSeen | null, isHeard: boolean, isDrained: boolean, isBusy: boolean): HostState {
  if (isHeard) return isDrained ? (isBusy ? 'draining' : 'drained') : 'up';
  return last?.stopped === false ? 'silent' : 'stopped';
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

/** Which hosts take phases that require these labels, by their ids; `drained` are those that would if they were not. */
export function whoHas(
  requires: readonly string[],
  workers: readonly WorkerSeen[],
  drains: readonly Drain[],
): { readonly takes: readonly string[]; readonly drained: readonly string[] } {
  const fit = workers.filter((one) => isHeard(one) && one.agents.total > 0 && hasLabels(one.labels, requires));
  const isDrained = (id: string): boolean => drains.some(({ host }) => host === id);
  const ids = unique(fit.map(({ host }) => host));
  return { takes: ids.filter((id) => !isDrained(id)), drained: ids.filter(isDrained) };
}

/** Why phases that require these labels, or none, do not begin, and what to do; null where it is for a free slot alone. */
export function whyNoHost(
  requires: readonly string[],
  workers: readonly WorkerSeen[],
  drains: readonly Drain[],
): string | null {
  const { takes, drained } = whoHas(requires, workers, drains);
  if (takes.length > 0) return null;
  const labels = requires.join(', ');
  const [first] = drained;
  if (first !== undefined) {
    const which = labels === '' ? 'there are only drained hosts' : `only drained hosts have ${labels}`;
    return `${which}: ${drained.join(', ')}; tasks hosts undrain ${first}`;
  }
  if (labels === '') return 'no worker with slots for agents is heard of: start one with tasks up, or tasks worker';
  return `no worker has ${labels}: start one with tasks worker --labels ${requires.join(',')}`;
}

function isHeard({ stopped, seenMsAgo }: WorkerSeen): boolean {
  return !stopped && seenMsAgo < SILENT_AFTER_MS;
}

export interface HibernatedOn extends Hibernated {
  readonly host: string;
}

/** Where a task's workspace was given up last, for as long as it waits; null: nowhere that a host reports. */
export function hibernatedOn(workers: readonly WorkerSeen[], task: TaskId): HibernatedOn | null {
  const all = hostsOf(workers, []).flatMap(({ id, workspaces }) =>
    (workspaces?.latest ?? []).filter((each) => each.task === task).map((each) => ({ ...each, host: id })),
  );
  return all.toSorted((one, other) => (one.since < other.since ? 1 : -1))[0] ?? null;
}

/** The one host that begins with what a person typed. */
export function findHost(hosts: readonly HostView[], text: string): Parsed<HostView> {
  const exact = hosts.find(({ id }) => id === text);
  if (exact !== undefined) return ok(exact);
  const found = text === '' ? [] : hosts.filter(({ id }) => id.startsWith(text));
  const [host, other] = found;
  if (host === undefined) return fail(`no host begins with ${quote(text)}; tasks hosts shows them`);
  if (other !== undefined) return fail(`${quote(text)} is ambiguous: ${host.id} and ${other.id} begin with it`);
  return ok(host);
}
