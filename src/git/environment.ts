/**
 * The environments that git runs in (N4).
 *
 * Local commands see no configuration but what stands here: none of the system's, the person's or an agent's. Fetch
 * and push also get what reaching the origin needs, read by name from the person's own configuration. Settings travel
 * in the environment, not in the arguments, which every user of the machine can read.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from '../files/write.ts';
import { runGit } from './command.ts';

export interface PersonalGit {
  /** The environment of the person whose credentials reach the origin; only names known here are taken from it. */
  readonly env: Readonly<Record<string, string>>;
}

type Settings = readonly (readonly [key: string, value: string])[];

const HARDENED: Settings = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.untrackedCache', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.autocrlf', 'false'],
  ['core.commitGraph', 'false'],
  ['core.multiPackIndex', 'false'],
  ['core.quotePath', 'false'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['fetch.writeCommitGraph', 'false'],
  // One by one, what a fetch brings could be cut off between a commit and its files; a pack is there whole or not at all.
  ['fetch.unpackLimit', '1'],
  ['fetch.recurseSubmodules', 'false'],
  // Else it is the last that a fetch says when it fails.
  ['advice.fetchShowForcedUpdates', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['push.gpgSign', 'false'],
  ['submodule.recurse', 'false'],
  ['diff.ignoreSubmodules', 'all'],
  ['merge.conflictStyle', 'merge'],
  ['merge.renames', 'true'],
  ['merge.directoryRenames', 'conflict'],
  ['protocol.ext.allow', 'never'],
  ['safe.directory', '*'],
];

const IN_CHECKOUT: Settings = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['safe.directory', '*'],
];

const PERSONAL_SETTINGS = String.raw`^(credential\.|http\.|url\..*\.(insteadof|pushinsteadof)$|core\.sshcommand$|core\.askpass$|core\.gitproxy$|ssh\.variant$|safe\.directory$)`;

const PERSONAL_VARIABLES = [
  'HOME', 'USER', 'LOGNAME', 'PATH', 'XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR', 'XDG_CACHE_HOME', 'DBUS_SESSION_BUS_ADDRESS',
  'SSH_AUTH_SOCK', 'SSH_AGENT_PID', 'GIT_SSH', 'GIT_SSH_COMMAND', 'GIT_SSH_VARIANT',
  // Never SSH_ASKPASS: desktops set it for everybody, and its window would open for each fetch.
  'GIT_ASKPASS', 'VSCODE_GIT_ASKPASS_NODE', 'VSCODE_GIT_ASKPASS_MAIN', 'VSCODE_GIT_ASKPASS_EXTRA_ARGS',
  'VSCODE_GIT_IPC_HANDLE', 'VSCODE_GIT_IPC_AUTH_TOKEN',
  'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY',
  'GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'GIT_SSL_CERT', 'GIT_SSL_KEY', 'SSL_CERT_FILE', 'SSL_CERT_DIR',
]; // prettier-ignore

const CONFIGURATION_VARIABLES = ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM', 'GIT_CONFIG_NOSYSTEM'];

const ENGINE_CONFIGURATION = [...CONFIGURATION_VARIABLES, 'GIT_ATTR_NOSYSTEM'];

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

export interface Environments {
  /** For everything that stays on this host. */
  readonly local: Readonly<Record<string, string>>;
  /** For fetch, push and ls-remote alone; `asPerson` lets a local origin's side read the person's configuration. */
  network(asPerson: boolean): Promise<Readonly<Record<string, string>>>;
  /** For a person's own checkout: as that person sees it (line endings, filters), but for hooks and fsmonitor. */
  readonly checkout: Readonly<Record<string, string>>;
  /** Whether `url.*.insteadOf` or `url.*.pushInsteadOf` sends this origin elsewhere. */
  isRewritten(origin: string): Promise<boolean>;
}

export interface EnvironmentOptions {
  /** A folder of the engine's own, for the configuration that a local origin's own side reads. */
  readonly folder: string;
  readonly gitPath: string;
  readonly processHome: string;
  readonly personal: PersonalGit;
}

export function createEnvironments(options: EnvironmentOptions): Environments {
  const path = options.personal.env['PATH'] ?? DEFAULT_PATH;
  const base = {
    PATH: path,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_ADVICE: '0',
    GIT_PAGER: 'cat',
    GIT_ATTR_NOSYSTEM: '1',
  };
  const local = { ...base, HOME: options.folder, GIT_CONFIG_GLOBAL: '/dev/null', ...asVariables(HARDENED) };
  const checkout = {
    PATH: path,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    ...pick(options.personal.env, [...PERSONAL_VARIABLES, ...CONFIGURATION_VARIABLES]),
    HOME: options.processHome,
    ...asVariables(IN_CHECKOUT),
  };
  let reading: Promise<Readonly<Record<string, string>>> | null = null;
  const network = async (asPerson: boolean): Promise<Readonly<Record<string, string>>> => {
    reading ??= networkEnvironment(options, { ...base, PATH: path }).catch((error: unknown) => {
      reading = null;
      throw error;
    });
    const env = await reading;
    if (!asPerson) return env;
    const withPerson = { ...env, ...pick(options.personal.env, CONFIGURATION_VARIABLES) };
    return Object.fromEntries(
      Object.entries(withPerson).filter(
        ([name]) => !ENGINE_CONFIGURATION.includes(name) || options.personal.env[name] !== undefined,
      ),
    );
  };
  const isRewritten = async (origin: string): Promise<boolean> => {
    const env = await network(false);
    return Object.entries(env).some(
      ([name, key]) =>
        name.startsWith('GIT_CONFIG_KEY_') &&
        /^url\..*insteadof$/i.test(key) &&
        origin.startsWith(env[name.replace('KEY', 'VALUE')] ?? ''),
    );
  };
  return { local, network, checkout, isRewritten };
}

async function networkEnvironment(
  options: EnvironmentOptions,
  base: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const own = pick(options.personal.env, PERSONAL_VARIABLES);
  const person = { PATH: base['PATH'] ?? DEFAULT_PATH, ...own, HOME: options.processHome };
  const settings = await personalSettings(options, person);
  const global = join(options.folder, 'origin.gitconfig');
  await mkdir(options.folder, { recursive: true });
  const trusted = settings.filter(([key]) => key === 'safe.directory').map(([, value]) => value);
  await writeAtomic(global, originSideConfiguration(trusted));
  const hasSsh = 'GIT_SSH_COMMAND' in own || 'GIT_SSH' in own || settings.some(([key]) => key === 'core.sshcommand');
  return {
    ...base,
    ...person,
    ...(hasSsh ? {} : { GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=15' }),
    GIT_CONFIG_GLOBAL: global,
    ...asVariables([...HARDENED, ...settings]),
  };
}

/** What git on the other side of a local origin reads: it never sees the variables of this side. */
function originSideConfiguration(trusted: readonly string[]): string {
  // A pack on trial has the origin itself as its alternate: without this its refs would be listed once more each time.
  const lines = [
    '[core]',
    '\talternateRefsCommand = true',
    '[gc]',
    '\tauto = 0',
    '[maintenance]',
    '\tauto = false',
    '[receive]',
    '\tautogc = false',
  ];
  if (trusted.length > 0) lines.push('[safe]', ...trusted.map((folder) => `\tdirectory = ${JSON.stringify(folder)}`));
  return `${lines.join('\n')}\n`;
}

async function personalSettings(
  options: EnvironmentOptions,
  person: Readonly<Record<string, string>>,
): Promise<Settings> {
  // A git folder that is none keeps any repository's own configuration out of the answer.
  const env = { ...person, ...pick(options.personal.env, CONFIGURATION_VARIABLES), GIT_DIR: '/dev/null', LC_ALL: 'C' };
  const { stdout } = await runGit(options.gitPath, ['config', '-z', '--includes', '--get-regexp', PERSONAL_SETTINGS], {
    cwd: '/',
    env,
    accept: [1],
  });
  return stdout
    .toString('utf8')
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const newline = entry.indexOf('\n');
      return newline < 0 ? ([entry, 'true'] as const) : ([entry.slice(0, newline), entry.slice(newline + 1)] as const);
    });
}

function asVariables(settings: Settings): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  settings.forEach(([key, value], index) => {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return variables;
}

function pick(env: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
