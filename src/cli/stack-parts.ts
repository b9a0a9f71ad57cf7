/** What `tasks up` is to run: from the environment, the host's file and the options. */

import { fileURLToPath } from 'node:url';
import {
  checkDatabaseUrl,
  DEFAULT_NAMESPACE,
  externalTemporal,
  type TemporalConnection,
} from '../config/connection.ts';
import { readHostFile, type HostSettings } from '../config/host-file.ts';
import { CODEC_PORT, LOOPBACK } from '../local/ports.ts';
import { obtainTemporal } from '../local/temporal-binary.ts';
import type { SuperviseRequest, TemporalWish, WorkerWish } from '../local/supervisor-types.ts';
import type { ReportProgress } from '../local/report.ts';
import { oneLine } from '../core/text.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.ts';
import { Failed, UsageError } from './errors.ts';
import type { Session } from './session.ts';

export interface UpOptions {
  readonly json?: true;
  readonly detach?: true;
  /** False: none. */
  readonly worker: boolean;
  readonly agents?: number;
  readonly gates?: number;
}

/** The folder with the go.mod that pins Temporal; both src/cli and the built dist/cli lie two folders below. */
const INFRA = fileURLToPath(new URL('../../infra/temporal', import.meta.url));
const TEMPORAL_PORT = 7233;
const UI_PORT = 8233;
const POSTGRES_PORT = 5437;

/** All of type Keyword. */
export const KEYWORDS = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, 'Keyword' as const]));

interface Configuration {
  /** The environment's Temporal, null when it names none. */
  readonly external: TemporalConnection | null;
  readonly host: HostSettings;
}

/** @throws UsageError when the environment or host.yaml is wrong */
export async function checkConfiguration({ environment }: Session): Promise<Configuration> {
  const [host, external] = await Promise.all([readHostFile(environment.home), externalTemporal(environment)]);
  if (host.kind === 'invalid') throw new UsageError(host.message);
  if (external.kind === 'invalid') throw new UsageError(external.message);
  const database = checkDatabaseUrl(environment);
  if (database !== null) throw new UsageError(database);
  return { external: external.temporal, host: host.value };
}

/** Obtains what is missing, which may take minutes and is reported. @throws UsageError, Failed */
export async function chooseParts(
  session: Session,
  options: UpOptions,
  report: ReportProgress,
): Promise<SuperviseRequest['parts']> {
  const { environment } = session;
  const { external, host } = await checkConfiguration(session);
  const namespace = environment.temporalNamespace ?? DEFAULT_NAMESPACE;
  const temporal: TemporalWish =
    external === null
      ? {
          kind: 'embedded',
          binary: await obtain(session, report),
          namespace,
          preferredPort: TEMPORAL_PORT,
          preferredUiPort: UI_PORT,
          searchAttributes: KEYWORDS,
          codecEndpoint: host.encryption === null ? null : `http://${LOOPBACK}:${CODEC_PORT}`,
        }
      : { kind: 'external', address: external.address, namespace: external.namespace };
  return {
    temporal,
    postgres:
      environment.databaseUrl === null
        ? { kind: 'embedded', preferredPort: POSTGRES_PORT }
        : { kind: 'external', url: environment.databaseUrl },
    worker: options.worker ? workerWish(session, options, temporal) : null,
  };
}

async function obtain(session: Session, report: ReportProgress): Promise<string> {
  const { environment } = session;
  const obtained = await obtainTemporal({
    pathEnv: environment.path,
    cacheDir: environment.cache,
    infraDir: INFRA,
    report,
    env: environment.all,
  });
  if (obtained.kind === 'ready') return obtained.binary;
  const tried = obtained.tried.map(({ what, reason }) => `${what}: ${oneLine(reason, 200)}`).join('; ');
  const { message, next } = obtained.failure;
  throw new Failed([message, ...(tried === '' ? [] : [`tried ${tried}`]), next].join('; '));
}

function workerWish(session: Session, options: UpOptions, temporal: TemporalWish): WorkerWish {
  const { environment, io } = session;
  const slots = slotArguments(options);
  return {
    command: ({ temporalAddress, namespace, postgresUrl }) => {
      const env: Record<string, string> = { ...environment.all };
      if (temporal.kind === 'embedded') {
        // They belong to some other server, which would be taken for this one's.
        delete env['TEMPORAL_API_KEY'];
        delete env['TEMPORAL_PROFILE'];
      }
      return {
        argv: [...io.programs.worker, ...slots],
        cwd: environment.home,
        env: {
          ...env,
          TASKS_HOME: environment.home,
          TEMPORAL_ADDRESS: temporalAddress,
          TEMPORAL_NAMESPACE: namespace,
          DATABASE_URL: postgresUrl,
        },
      };
    },
  };
}

/** The worker program's arguments for its slots and labels. */
export function slotArguments(options: {
  readonly agents?: number;
  readonly gates?: number;
  readonly labels?: string;
}): string[] {
  return [
    ...(options.labels === undefined ? [] : ['--labels', options.labels]),
    ...(options.agents === undefined ? [] : ['--agents', String(options.agents)]),
    ...(options.gates === undefined ? [] : ['--gates', String(options.gates)]),
  ];
}
