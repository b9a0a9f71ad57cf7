/** host.yaml, and the environment that this machine lets its agents and gates have (N10). */

import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import { quote } from '../core/ids.ts';
import type { NoticeTargets } from '../core/notice-types.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import type { PortPlan } from '../core/ports.ts';
import type { SandboxMode } from '../core/project.ts';
import type { NotifyRule } from '../core/task-types.ts';
import { codeOf } from '../core/thrown.ts';
import { completeEncryption, type Encryption } from './encryption-schema.ts';
import { check } from './explain.ts';
import { hostSchema } from './host-schema.ts';
import { KNOWN_GRANTS, type GrantedPath } from './known-grants.ts';
import { completeRules, completeTargets } from './notify-schema.ts';
import { parseSize } from './size.ts';
import { completePorts, completeWorkspaces, type WorkspaceSettings } from './workspaces-schema.ts';
import { readYaml } from './yaml-text.ts';

export const HOST_FILE = 'host.yaml';
const MEMORY_SHARE = 0.75;
const DEFAULT_CHECKPOINT = '5m';

export interface HostLimits {
  readonly processes: number;
  /** Null: as many as the machine has. */
  readonly cpus: number | null;
  readonly memory: number;
  readonly disk: number;
  readonly free: number;
}

export interface HostSettings {
  /** Agents that get the person's own HOME. */
  readonly grant: readonly string[];
  /** Names of variables that children get besides the fixed ones. */
  readonly env: readonly string[];
  readonly programs: Readonly<Record<string, string>>;
  /** Slots. */
  readonly agents: number;
  readonly gates: number;
  readonly containment: 'preferred' | 'off';
  /** How often unfinished work is stored, in milliseconds; 0: never. */
  readonly checkpointMs: number;
  /** Null: each project says for itself. */
  readonly sandbox: SandboxMode | null;
  /** Variables of some agents, by reference. */
  readonly secrets: Readonly<Record<string, { readonly from: string; readonly agents: readonly string[] }>>;
  /** Null: what Temporal keeps is plain. */
  readonly encryption: Encryption | null;
  /** What one process tree may take, in bytes but for the processes. */
  readonly limits: HostLimits;
  /** Seen read-only in every sandbox. */
  readonly read: readonly string[];
  /** Written by every sandbox. */
  readonly write: readonly string[];
  /** What granted agents see of the person's home, by their names. */
  readonly granted: Readonly<Record<string, readonly string[]>>;
  readonly workspaces: WorkspaceSettings;
  readonly ports: PortPlan;
  /** Where this host has a checkout of a project, by the project's name. */
  readonly checkouts: Readonly<Record<string, string>>;
  /** With keys and passwords: not to be shown (N10). */
  readonly targets: NoticeTargets;
  readonly notify: readonly NotifyRule[];
  /** Where people reach the Temporal Web UI, where that is not the stack's own address. */
  readonly ui: string | null;
}

/** What a host.yaml says, completed with defaults; an empty one is all defaults. */
export function parseHostFile(text: string, cores: number = availableParallelism()): Parsed<HostSettings> {
  const yaml = readYaml(HOST_FILE, text);
  if (yaml.kind === 'invalid') return yaml;
  const checked = check(HOST_FILE, hostSchema, yaml.value ?? {});
  if (checked.kind === 'invalid') return checked;
  const { grant, env, programs, agents, gates, containment, ui } = checked.value;
  const targets = completeTargets(checked.value.targets);
  const notify = completeRules(checked.value.notify);
  const stray = notify.findIndex(({ to }) => !Object.hasOwn(targets, to));
  if (stray >= 0) {
    const names = Object.keys(targets).join(', ');
    const known = names === '' ? 'there is none' : `there are ${names}`;
    return fail(
      `${HOST_FILE}: notify.${stray}.to: ${quote(notify[stray]?.to ?? '')} is no target: ${known}; add it under targets`,
    );
  }
  return ok({
    grant: grant ?? [],
    env: env ?? [],
    programs: programs ?? {},
    agents: agents ?? Math.max(2, cores),
    gates: gates ?? 1,
    containment: containment ?? 'preferred',
    checkpointMs: checkpointMs(checked.value.checkpoint ?? DEFAULT_CHECKPOINT),
    sandbox: checked.value.sandbox ?? null,
    limits: completeLimits(checked.value.limits),
    secrets: checked.value.secrets ?? {},
    encryption: completeEncryption(checked.value.encryption),
    read: checked.value.read ?? [],
    write: checked.value.write ?? [],
    granted: checked.value.granted ?? {},
    workspaces: completeWorkspaces(checked.value.workspaces),
    ports: completePorts(checked.value.ports),
    checkouts: checked.value.checkouts ?? {},
    targets,
    notify,
    ui: ui ?? null,
  });
}

function completeLimits(given: z.infer<typeof hostSchema>['limits']): HostLimits {
  return {
    processes: given?.processes ?? 2_048,
    cpus: given?.cpus ?? null,
    memory: bytesOf(given?.memory) ?? Math.round(memoryHere() * MEMORY_SHARE),
    disk: bytesOf(given?.disk) ?? 32 * 1024 ** 3,
    free: bytesOf(given?.free) ?? 512 * 1024 ** 2,
  };
}

/** The schema has checked the text. */
function checkpointMs(text: string): number {
  const ms = parseDuration(text);
  return ms.kind === 'ok' ? ms.value : 0;
}

function bytesOf(text: string | undefined): number | null {
  const size = text === undefined ? null : parseSize(text);
  return size?.kind === 'ok' ? size.value : null;
}

/** A container may have less than its machine. */
function memoryHere(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}

/** The host.yaml of a state home; all defaults when there is none. */
export async function readHostFile(home: string): Promise<Parsed<HostSettings>> {
  const path = join(home, HOST_FILE);
  try {
    return parseHostFile(await readFile(path, 'utf8'));
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return parseHostFile('');
    if (code === null) throw error;
    return fail(`${HOST_FILE}: ${path} cannot be read (${code}); mend its permissions or remove it`);
  }
}

/** The path that this host has for a program's name, or the name itself. */
export function programPath(host: HostSettings, name: string): string {
  return Object.hasOwn(host.programs, name) ? (host.programs[name] ?? name) : name;
}

export interface AllowedRequest {
  readonly purpose: 'agent' | 'setup' | 'gate';
  /** The agent's name in tasks.yaml; null for shell commands. */
  readonly agent: string | null;
  /** A folder of the attempt's own, for HOME and temporary files. */
  readonly scratch: string;
  /** In a sandbox; left out: not. */
  readonly confined?: boolean;
}

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/**
 * The whole environment of a child process: a short list, a scratch home unless the agent was granted the person's,
 * and what host.yaml names. Everything else stays out (N10).
 */
export function allowedEnvironment(
  host: HostSettings,
  source: Readonly<Record<string, string | undefined>>,
  request: AllowedRequest,
): Readonly<Record<string, string>> {
  const { confined = false } = request;
  // In a sandbox what is granted lies in the agent's own home.
  const granted = !confined && request.agent !== null && host.grant.includes(request.agent);
  const home = granted ? source['HOME'] : undefined;
  const allowed: Record<string, string> = {};
  const copy = (name: string): void => {
    const value = source[name];
    if (value !== undefined && value !== '') allowed[name] = value;
  };
  copy('LANG');
  copy('TZ');
  for (const name of Object.keys(source)) if (name.startsWith('LC_')) copy(name);
  if (granted) for (const name of ['USER', 'LOGNAME', 'XDG_CONFIG_HOME']) copy(name);
  for (const name of host.env) copy(name);
  return {
    ...allowed,
    PATH: source['PATH'] === undefined || source['PATH'] === '' ? DEFAULT_PATH : source['PATH'],
    HOME: home === undefined || home === '' ? request.scratch : home,
    TMPDIR: confined ? '/tmp' : request.scratch,
    TERM: 'dumb',
    ...(request.purpose === 'agent' ? {} : { CI: 'true' }),
  };
}

/** What an agent has of the person's home in its sandbox. */
export function grantsOf(host: HostSettings, agent: string): readonly GrantedPath[] {
  if (!host.grant.includes(agent)) return [];
  const own = Object.hasOwn(host.granted, agent) ? (host.granted[agent] ?? []) : [];
  const known = Object.hasOwn(KNOWN_GRANTS, agent) ? (KNOWN_GRANTS[agent] ?? []) : [];
  return [...known, ...own.map((path): GrantedPath => ({ path, how: 'read' }))];
}
