/** What host.yaml names and is not here: secrets by their references, and what sandboxes are to see. Each is told before a task misses it. */

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { readHostFile } from '../../config/host-file.ts';
import { resolveSecret } from '../../config/secrets.ts';
import { codeOf, messageOf } from '../../core/thrown.ts';
import { warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

const ENV = 'env:';

/** One check for each that is missing; nothing where all is there. */
export async function checkNamed({ environment }: Session): Promise<readonly Check[]> {
  const host = await readHostFile(environment.home);
  // What is wrong with it is told by itself.
  if (host.kind === 'invalid') return [];
  const { secrets, read, write } = host.value;
  const checks = await Promise.all([
    ...Object.entries(secrets).map(([name, { from, agents }]) => checkSecret({ name, from, agents }, environment.all)),
    ...read.map((path) => checkSeen('read', path, constants.R_OK)),
    ...write.map((path) => checkSeen('write', path, constants.W_OK)),
  ]);
  return checks.filter((check) => check !== null);
}

/** Null where it leads to something, as far as can be told. A command is not run: it may ask for a password. */
export async function whyMissing(
  from: string,
  source: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  if (from.startsWith('command:')) return null;
  const found = await resolveSecret(from, source, '');
  if (found.kind === 'ok') return null;
  return from.startsWith(ENV) ? `${from} is not set here` : found.message;
}

async function checkSecret(
  { name, from, agents }: { readonly name: string; readonly from: string; readonly agents: readonly string[] },
  source: Readonly<Record<string, string | undefined>>,
): Promise<Check | null> {
  const why = await whyMissing(from, source);
  if (why === null) return null;
  const fix = from.startsWith(ENV)
    ? `start the worker where ${from.slice(ENV.length)} is set (one that runs may have it), or name a file: in its place`
    : `put it there, or mend secrets: {${name}: {from: …}} in host.yaml`;
  return warn(`secrets.${name}`, why, `${fix}; until then attempts of ${agents.join(', ')} fail`);
}

async function checkSeen(key: 'read' | 'write', path: string, mode: number): Promise<Check | null> {
  try {
    await access(path, mode);
    return null;
  } catch (error) {
    const missing = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
    const found = missing ? `${path} is not there: sandboxes go without it` : messageOf(error);
    const fix = missing ? 'make it' : `let this account ${key} it`;
    return warn(key, found, `${fix}, or take it out of ${key}: in host.yaml and start the worker again`);
  }
}
