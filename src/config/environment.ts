/** The one reader of process.env: what of it Tributary knows. Empty strings count as unset. */

import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

export interface Environment {
  /** The state home, absolute. */
  readonly home: string;
  /** The cache folder, absolute. */
  readonly cache: string;
  /** The person's own home folder. */
  readonly userHome: string;
  /** TEMPORAL_ADDRESS. */
  readonly temporalAddress: string | null;
  /** TEMPORAL_NAMESPACE; null for the default one. */
  readonly temporalNamespace: string | null;
  /** TEMPORAL_PROFILE: a profile of the Temporal configuration file. */
  readonly temporalProfile: string | null;
  /** TEMPORAL_CONFIG_FILE, or `temporalio/temporal.toml` in the person's configuration folder. */
  readonly temporalConfigFile: string;
  readonly temporalApiKey: string | null;
  /** DATABASE_URL. With a password: not to be shown. */
  readonly databaseUrl: string | null;
  /** What NO_COLOR and FORCE_COLOR ask for; null: as the terminal can. */
  readonly color: boolean | null;
  readonly ci: boolean;
  readonly path: string;
  /** VISUAL or EDITOR. */
  readonly editor: string | null;
  /** TASKS_VERSIONING: whether workers use Temporal's worker versioning. */
  readonly versioning: boolean;
  /** TASKS_BUILD_ID: what the build of this worker is called. */
  readonly buildId: string | null;
  /** TASKS_ACTOR. */
  readonly actor: string | null;
  /** USER, LOGNAME or USERNAME. */
  readonly user: string | null;
  /** Everything, without empty ones: for git as the person runs it, and as the source of what children may have. */
  readonly all: Readonly<Record<string, string>>;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads the environment once, at a program's start. */
export function readEnvironment(env: Variables = process.env): Environment {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && value !== '') all[name] = value;
  const get = (...names: readonly string[]): string | null => {
    for (const name of names) if (all[name] !== undefined) return all[name];
    return null;
  };
  const named = get('HOME', 'USERPROFILE');
  // Below a relative one there would be another state in each folder.
  const userHome = named !== null && isAbsolute(named) ? named : accountHome();
  // The XDG specification has relative paths ignored.
  const xdg = (name: string, otherwise: string): string => {
    const value = get(name);
    return value !== null && isAbsolute(value) ? value : join(userHome, otherwise);
  };
  return {
    // Where no shell has read it, as in a service's file, its ~ is as it was written.
    home: resolve(
      get('TASKS_HOME')?.replace(/^~(?=\/|$)/, () => userHome) ??
        join(xdg('XDG_STATE_HOME', '.local/state'), 'tributary'),
    ),
    cache: join(xdg('XDG_CACHE_HOME', '.cache'), 'tributary'),
    userHome,
    temporalAddress: get('TEMPORAL_ADDRESS'),
    temporalNamespace: get('TEMPORAL_NAMESPACE'),
    temporalProfile: get('TEMPORAL_PROFILE'),
    temporalConfigFile:
      get('TEMPORAL_CONFIG_FILE') ?? join(xdg('XDG_CONFIG_HOME', '.config'), 'temporalio', 'temporal.toml'),
    temporalApiKey: get('TEMPORAL_API_KEY'),
    databaseUrl: get('DATABASE_URL'),
    color: readColor(get('NO_COLOR'), get('FORCE_COLOR')),
    ci: isOn(get('CI')),
    path: get('PATH', 'Path') ?? '/usr/local/bin:/usr/bin:/bin',
    editor: get('VISUAL', 'EDITOR'),
    versioning: isOn(get('TASKS_VERSIONING')),
    buildId: get('TASKS_BUILD_ID'),
    actor: get('TASKS_ACTOR'),
    user: get('USER', 'LOGNAME', 'USERNAME'),
    all,
  };
}

/** Who acts, for the record: TASKS_ACTOR, else git's user, else the machine's. */
export function actorName(environment: Environment, gitUserName: string | null): string {
  return environment.actor ?? (gitUserName?.trim() || null) ?? environment.user ?? accountName();
}

/** The account's home; of one that the machine does not know, as in some containers, none that it may write to. */
function accountHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/';
  }
}

/** The account's name; one that the machine has no name for, as in some containers, has its number. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'without a number'}`;
  }
}

function readColor(no: string | null, force: string | null): boolean | null {
  if (no !== null) return false;
  return force === null ? null : isOn(force);
}

function isOn(value: string | null): boolean {
  return value !== null && !['0', 'false', 'off', 'no'].includes(value.toLowerCase());
}
