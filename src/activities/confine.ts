/**
 * What a process of a task or a gate is confined to (N4, N10): its worktree, its task folder, a home and temporary folder
 * of its own, its own part of the repository, and what this host's configuration grants by name.
 *
 * The folders that a confined process writes are this task's alone; their parents are not seen, so that none of them can
 * be put in another's place between two phases.
 */

import { copyFileSync, lstatSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Failure } from '../core/failure.ts';
import type { Confinement, Network, SandboxMode } from '../core/project.ts';
import { absentAsNull } from '../files/errors.ts';
import { removeAny, removeWhole } from '../files/remove.ts';
import type { Placed, ProcessRoom, Sandbox, SandboxState } from '../process/types.ts';
import type { Dependencies } from './dependencies.ts';

/** A path below the person's home that a granted agent has in its own, wherever that leads. */
export interface GrantedPath {
  readonly path: string;
  /** `read`; `write`: the person's own file is written; `copy`: the agent's own, made from the person's when it has none. */
  readonly how: 'read' | 'write' | 'copy';
}

/** What this host's configuration says of sandboxes. */
export interface HostConfinement {
  /** Null: each project says for itself. */
  readonly sandbox: SandboxMode | null;
  /** Seen read-only in every sandbox. */
  readonly read: readonly string[];
  /** Not seen in any, but for what is named: the state home, and the files that secrets are read from. */
  readonly hidden: readonly string[];
  /** Written by every sandbox. */
  readonly write: readonly string[];
  /** What an agent has of the person's home; empty when it is not granted anything. */
  readonly granted: (agent: string) => readonly GrantedPath[];
  readonly personHome: string;
}

export type Confining =
  | { readonly kind: 'sandbox'; readonly notes: readonly string[] }
  /** As the worker's account, with all that it sees; the notes say why. */
  | { readonly kind: 'open'; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly failure: Failure };

const hostNetwork = (who: string): string =>
  `${who} shares this host's network: it reaches whatever listens here, Temporal and the ledger among it (network: host)`;

/**
 * Whether there is to be a sandbox here; a project that requires one gets it or nothing.
 *
 * @param setup the network of the set-up that is run with it
 */
export function confining(
  deps: {
    readonly confinement: Pick<HostConfinement, 'sandbox'>;
    readonly process: Pick<ProcessRoom, 'sandbox'>;
  },
  wanted: Confinement,
  setup: Network = 'none',
): Confining {
  const mode = sandboxModeOf(deps.confinement.sandbox, wanted.sandbox);
  const { sandbox: state } = deps.process;
  if (mode === 'off') return { kind: 'open', notes: ['it ran without a sandbox: sandbox: off'] };
  if (state.kind === 'works' && !(mode === 'required' && deps.confinement.sandbox === 'off')) {
    const opened = [...(wanted.network === 'host' ? ['it'] : []), ...(setup === 'host' ? ['its set-up'] : [])];
    return { kind: 'sandbox', notes: opened.map(hostNetwork) };
  }
  if (mode === 'required') return { kind: 'refused', failure: noSandbox(state) };
  return { kind: 'open', notes: [`it ran without a sandbox: ${state.kind === 'missing' ? state.why : ''}`] };
}

/** What holds when the host's configuration, which may be silent, and the project's do not say the same. */
function sandboxModeOf(host: SandboxMode | null, project: SandboxMode): SandboxMode {
  return host === 'required' || project === 'required' ? 'required' : (host ?? project);
}

function noSandbox(state: SandboxState): Failure {
  const why = state.kind === 'missing' ? state.why : 'host.yaml has sandbox: off';
  const line = state.kind === 'works' ? 'sandbox: off' : state.off === true ? 'containment: off' : null;
  const how =
    line === null
      ? 'install bubblewrap there (apt, dnf, apk or pacman install bubblewrap; Linux alone) and make it work (tasks doctor tries it)'
      : `take ${line} out of its host.yaml and restart its worker`;
  return {
    kind: 'no-sandbox',
    message: `a sandbox is required, and this host has none: ${why}`,
    next: `${how}, or write sandbox: preferred where it is required (tasks.yaml, host.yaml); then tasks retry`,
  };
}

export interface SandboxRequest {
  /** Written and kept. */
  readonly write: readonly string[];
  readonly repository: readonly Placed[];
  /** HOME, kept across a task's phases. */
  readonly scratch: string;
  /** The folder of /tmp, emptied for each run; beside scratch, so that no run before can have moved it. */
  readonly tmp: string;
  readonly network: Network;
  /** The agent whose grants it gets; null for shell commands. */
  readonly agent: string | null;
}

/** Makes the sandbox's folders, and says what it sees. */
export async function makeSandbox(deps: Pick<Dependencies, 'confinement'>, request: SandboxRequest): Promise<Sandbox> {
  const { scratch, tmp, network, agent } = request;
  mkdirSync(scratch, { recursive: true });
  await removeWhole(tmp);
  mkdirSync(tmp, { recursive: true, mode: 0o700 });
  const granted = agent === null ? [] : await grant(deps.confinement, scratch, agent);
  const own = [...request.write, scratch].map((path) => ({ from: path, to: path, write: true }));
  return {
    mounts: [...own, ...request.repository, ...granted],
    read: deps.confinement.read,
    write: deps.confinement.write,
    hidden: deps.confinement.hidden,
    tmp,
    network: networkOf(network),
  };
}

/**
 * The folders of this host that a process fills, each once: its own ones, and those that its sandbox lets it write for the
 * task. What the host's configuration lets it write is the host's.
 */
export function filledBy(
  own: readonly string[],
  sandbox: { readonly mounts: readonly Placed[]; readonly tmp: string } | null,
): readonly string[] {
  const written = (sandbox?.mounts ?? []).flatMap((mount) => ('empty' in mount || !mount.write ? [] : [mount.from]));
  const all = [...new Set([...own, ...written, ...(sandbox === null ? [] : [sandbox.tmp])])];
  return all.filter((one) => !all.some((other) => one.startsWith(`${other}/`)));
}

function networkOf(network: Network): Sandbox['network'] {
  if (network === 'none' || network === 'host') return network;
  return { hosts: network === 'full' ? ['*'] : network };
}

async function grant(
  { personHome: home, write: shared, granted: grantedTo }: HostConfinement,
  scratch: string,
  agent: string,
): Promise<readonly Placed[]> {
  const mounts: Placed[] = [];
  const granted = grantedTo(agent);
  for (const { path, how } of granted) {
    const to = join(scratch, path);
    const from = grantedFile(join(home, path), shared);
    const stats = from === null ? undefined : lstatSync(from, { throwIfNoEntry: false });
    if (from === null || stats === undefined || !(stats.isFile() || stats.isDirectory())) continue;
    await clearTheWay(scratch, path, stats.isDirectory() ? 'folder' : 'file');
    if (how === 'copy') {
      if (lstatSync(to, { throwIfNoEntry: false }) === undefined) copyFileSync(from, to);
      continue;
    }
    if (stats.isDirectory()) mkdirSync(to, { recursive: true });
    else writeFileSync(to, '', { flag: 'a', mode: 0o600 });
    mounts.push({ from, to, write: how === 'write' });
  }
  return mounts;
}

/**
 * Where a granted path leads: people keep such files elsewhere, and link them. In a folder that every sandbox writes no link
 * is followed, since an agent may have made it. Null: nowhere.
 */
function grantedFile(path: string, shared: readonly string[]): string | null {
  try {
    const real = realpathSync(path);
    const folder = shared.find((each) => path.startsWith(`${each}/`));
    return folder === undefined || real === join(realpathSync(folder), path.slice(folder.length)) ? real : null;
  } catch (error) {
    return absentAsNull(error);
  }
}

/** An agent may have left links in its home: what is mounted there would land where they lead. */
export async function clearTheWay(scratch: string, path: string, last: 'file' | 'folder'): Promise<void> {
  const parts = path.split('/');
  for (let count = 1; count <= parts.length; count += 1) {
    const at = join(scratch, ...parts.slice(0, count));
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined) break;
    const isFolder = count < parts.length || last === 'folder';
    if (isFolder ? !stats.isDirectory() : !stats.isFile()) await removeAny(at);
  }
  mkdirSync(dirname(join(scratch, path)), { recursive: true });
}
