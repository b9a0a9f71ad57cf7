/** What the worker's proxy has refused to a process of a task: told at the end of its log, as evidence, and with what lets it through. */

import { appendFile } from 'node:fs/promises';
import { redactWithin, type Secret } from '../core/secrets.ts';
import type { RefusedHost, Sandbox } from '../process/types.ts';
import type { Dependencies } from './dependencies.ts';

export interface Refused {
  /** What it wanted to reach since then and was not let through to, and why. */
  readonly told: readonly string[];
  /** The list of hosts that would have let it through; null where naming them would not help. */
  readonly hosts: readonly string[] | null;
}

export const NOTHING_REFUSED: Refused = { told: [], hosts: null };

export function refusedTo(
  deps: Pick<Dependencies, 'process'>,
  sandbox: Sandbox | null,
  { sinceMs, secrets }: { readonly sinceMs: number; readonly secrets: readonly Secret[] },
): Refused {
  if (sandbox === null || typeof sandbox.network === 'string') return NOTHING_REFUSED;
  const { hosts } = sandbox.network;
  const refused = deps.process.refused(hosts, sinceMs);
  const told = refused.map((each) => each.told);
  return redactWithin(secrets, { told, hosts: withLacking(hosts, refused) }, new Set());
}

function withLacking(hosts: readonly string[], refused: readonly RefusedHost[]): readonly string[] | null {
  const lacking = refused.flatMap(({ lacks }) => (lacks === null ? [] : [lacks.includes(':') ? `[${lacks}]` : lacks]));
  return lacking.length === 0 ? null : [...new Set([...hosts, ...lacking])];
}

/** The end of its output with that. */
export function withRefused(tail: string, { told }: Refused): string {
  return told.reduce((before, each) => `${before}${endOf(before)}── refused: ${each}\n`, tail);
}

/** What a line has to begin with to stand on its own behind a text. */
export function endOf(text: string): string {
  return text === '' || text.endsWith('\n') ? '' : '\n';
}

/** On a full disk what came of it counts all the same. */
export async function appendToLog(file: string, text: string): Promise<void> {
  if (text !== '') await appendFile(file, text).catch(() => undefined);
}

/**
 * What to do about it; null where tasks.yaml has nothing to do with it.
 *
 * @param setting what tasks.yaml calls the network of these processes, with `HOSTS` in the place of the list
 */
export function letThrough(setting: string, { hosts }: Refused): string | null {
  if (hosts === null) return null;
  const list = `[${hosts.map((host) => (PLAIN.test(host) ? host : JSON.stringify(host))).join(', ')}]`;
  const all = hosts.includes('*') ? ' ("*" is every public host)' : '';
  return `let it reach what was refused, by ${setting.replace('HOSTS', () => list)} in tasks.yaml${all}; commit, and retry`;
}

/** Needs no quotes in a list of YAML. */
const PLAIN = /^[a-z0-9][a-z0-9.-]*$/i;
