/** Secrets of host.yaml, by reference: looked up for each process that is given them, and never before (N10). */

import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import type { Secret } from '../core/secrets.ts';
import { codeOf } from '../core/thrown.ts';
import type { HostSettings } from './host-file.ts';
import { outputOf } from './secret-command.ts';

const FILE = 'file:';
/** Of variables that host.yaml passes on by env, those that are secret by their names. */
const SECRET_NAME = /TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY/i;

export interface Granted {
  /** To be set for the process. */
  readonly variables: Readonly<Record<string, string>>;
  /** Never to be shown of what it prints. */
  readonly secrets: readonly Secret[];
}

type Source = Readonly<Record<string, string | undefined>>;

/**
 * What a process is given of the host's secrets. An error names the reference, never a value.
 *
 * @param agent its name in tasks.yaml; null for set-up and gates, which get no secret but what env passes on
 */
export async function grantSecrets(host: HostSettings, source: Source, agent: string | null): Promise<Parsed<Granted>> {
  const variables: Record<string, string> = {};
  for (const [name, { from, agents }] of Object.entries(host.secrets)) {
    if (agent === null || !agents.includes(agent)) continue;
    const value = await resolveSecret(from, source, 'the worker has');
    if (value.kind === 'invalid') return fail(`host.yaml: secrets.${name}: ${value.message}`);
    variables[name] = value.value;
  }
  const passed = host.env.flatMap((name) => {
    const value = SECRET_NAME.test(name) ? source[name] : undefined;
    return value === undefined || value === '' ? [] : [{ name, value }];
  });
  const own = Object.entries(variables).map(([name, value]) => ({ name, value }));
  return ok({ variables, secrets: [...own, ...passed] });
}

/** The files that the references of host.yaml name. */
export function secretFiles({ secrets, encryption }: Pick<HostSettings, 'secrets' | 'encryption'>): readonly string[] {
  const references = [...Object.values(secrets), ...(encryption?.keys ?? [])].map(({ from }) => from);
  return references.flatMap((from) => (from.startsWith(FILE) ? [from.slice(FILE.length)] : []));
}

/**
 * What a reference leads to. An error says why it does not, never a value.
 *
 * @param has whose environment it is, as the beginning of an error: `the worker has`
 */
export async function resolveSecret(reference: string, source: Source, has: string): Promise<Parsed<string>> {
  const at = reference.indexOf(':');
  const kind = reference.slice(0, at);
  const rest = reference.slice(at + 1);
  if (kind === 'env') {
    const value = source[rest];
    return value === undefined || value === ''
      ? fail(`${has} no environment variable ${rest}; start it with one`)
      : ok(value);
  }
  if (kind === 'file') return readSecret(rest);
  const printed = await outputOf(rest, source);
  // What it said may be the secret.
  return printed === null
    ? fail('its command failed; run it by hand, as the account that this runs as')
    : whole(printed, 'its command printed', 'nothing');
}

async function readSecret(path: string): Promise<Parsed<string>> {
  if (!isAbsolute(path)) return fail('file: needs an absolute path');
  try {
    return whole(await readFile(path, 'utf8'), `${path} is`, 'empty');
  } catch (error) {
    return fail(`${path} cannot be read (${codeOf(error) ?? 'no file'})`);
  }
}

/** What is no text would be told in full by who cannot set it as a variable. */
function whole(text: string, what: string, empty: string): Parsed<string> {
  const value = text.replace(/\r?\n$/, '');
  if (/[\0\uFFFD]/.test(value)) return fail(`${what} no text in UTF-8; save it as UTF-8`);
  return value === '' ? fail(`${what} ${empty}`) : ok(value);
}
