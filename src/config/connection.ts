/** Which Temporal and which Postgres a command uses. Whether they answer is not checked here. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from './environment.ts';
import { readTemporalProfile } from './temporal-profile.ts';

export const DEFAULT_NAMESPACE = 'default';

export interface TemporalConnection {
  readonly address: string;
  readonly namespace: string;
  readonly apiKey: string | null;
  readonly tls: boolean;
  /** `environment`: somebody else's server, which Tributary neither starts nor stops. */
  readonly from: 'environment' | 'stack';
  readonly uiUrl: string | null;
}

export interface PostgresConnection {
  /** With the password: not to be shown. */
  readonly url: string;
  readonly from: 'environment' | 'stack';
}

export type Connection =
  | { readonly kind: 'connection'; readonly temporal: TemporalConnection; readonly postgres: PostgresConnection | null }
  | { readonly kind: 'none'; readonly message: string }
  /** The configuration is wrong: one line with the fix. */
  | { readonly kind: 'invalid'; readonly message: string };

/** The servers that a command talks to: the environment's, else those of the stack that runs for the state home. */
export async function resolveConnection(environment: Environment): Promise<Connection> {
  const external = await externalTemporal(environment);
  if (external.kind === 'invalid') return external;
  const database = checkDatabaseUrl(environment);
  if (database !== null) return { kind: 'invalid', message: database };
  const stack = await readStackFile(environment.home);
  const temporal = external.temporal === null ? stack.temporal : withUi(external.temporal, stack.temporal);
  if (temporal === null) return { kind: 'none', message: 'no server is running; start one with: tasks up' };
  const postgres: PostgresConnection | null =
    environment.databaseUrl === null ? stack.postgres : { url: environment.databaseUrl, from: 'environment' };
  return { kind: 'connection', temporal, postgres };
}

/** What is wrong with DATABASE_URL, in one line that does not show it, since a password may be in it; else null. */
export function checkDatabaseUrl({ databaseUrl }: Pick<Environment, 'databaseUrl'>): string | null {
  if (databaseUrl === null || isDatabaseUrl(databaseUrl)) return null;
  return 'DATABASE_URL: is no address of a Postgres; it must look like postgresql://USER:PASSWORD@HOST:5432/DATABASE';
}

function isDatabaseUrl(text: string): boolean {
  try {
    const { protocol, hostname, searchParams, username, password, pathname } = new URL(text);
    // What is escaped must be so rightly, or the driver trips over it.
    for (const part of [username, password, pathname]) decodeURIComponent(part);
    return /^postgres(?:ql)?:$/.test(protocol) && (hostname !== '' || searchParams.has('host'));
  } catch {
    return false;
  }
}

/** A server that the environment names may be the stack's own: the supervisor names it so to its worker. */
function withUi(temporal: TemporalConnection, stack: TemporalConnection | null): TemporalConnection {
  return temporal.address === stack?.address ? { ...temporal, uiUrl: stack.uiUrl } : temporal;
}

export type ExternalTemporal =
  /** Null when the environment names no server. */
  | { readonly kind: 'ok'; readonly temporal: TemporalConnection | null }
  | { readonly kind: 'invalid'; readonly message: string };

/** The Temporal that TEMPORAL_ADDRESS or TEMPORAL_PROFILE names. */
export async function externalTemporal(environment: Environment): Promise<ExternalTemporal> {
  const profile =
    environment.temporalProfile === null
      ? null
      : await readTemporalProfile(environment.temporalConfigFile, environment.temporalProfile);
  if (profile?.kind === 'invalid') return profile;
  const address = environment.temporalAddress ?? profile?.value.address ?? null;
  if (address === null) {
    return profile === null
      ? { kind: 'ok', temporal: null }
      : { kind: 'invalid', message: `TEMPORAL_PROFILE: ${environment.temporalProfile} has no address; add one to it` };
  }
  if (!/^(?:\[[0-9A-Fa-f:]+\]|[^\s:/]+):\d{1,5}$/.test(address)) {
    return {
      kind: 'invalid',
      message: `TEMPORAL_ADDRESS: ${JSON.stringify(address.slice(0, 80))} must be HOST:PORT, such as 127.0.0.1:7233`,
    };
  }
  const apiKey = environment.temporalApiKey ?? profile?.value.apiKey ?? null;
  return {
    kind: 'ok',
    temporal: {
      address,
      namespace: environment.temporalNamespace ?? profile?.value.namespace ?? DEFAULT_NAMESPACE,
      apiKey,
      tls: apiKey !== null || profile?.value.tls === true,
      from: 'environment',
      uiUrl: null,
    },
  };
}

interface StackFile {
  readonly temporal: TemporalConnection | null;
  readonly postgres: PostgresConnection | null;
}

const NO_STACK: StackFile = { temporal: null, postgres: null };

/** What `tasks up` wrote down; a missing, half or foreign file is the same as none. */
async function readStackFile(home: string): Promise<StackFile> {
  let stack: unknown;
  try {
    stack = JSON.parse(await readFile(join(home, 'stack.json'), 'utf8'));
  } catch {
    return NO_STACK;
  }
  const temporal = field(stack, 'temporal');
  const address = text(field(temporal, 'address'));
  const url = text(field(field(stack, 'postgres'), 'url'));
  return {
    temporal:
      address === null
        ? null
        : {
            address,
            namespace: text(field(temporal, 'namespace')) ?? DEFAULT_NAMESPACE,
            apiKey: null,
            tls: false,
            from: 'stack',
            uiUrl: text(field(temporal, 'uiUrl')),
          },
    postgres: url === null ? null : { url, from: 'stack' },
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
