/** What the worker's proxy has refused to a process of a task: told at the end of its log, as evidence, and with what lets it through. */

import { appendFile } from 'node:fs/promises';
import { redactWithin, type Secret } from '../core/secrets.ts';
import type { Sandbox } from '../process/types.ts';
import type { Dependencies } from './dependencies.ts';

/** What it wanted to reach since then and was not let through to, and why. */
export function refusedTo(
  deps: Pick<Dependencies, 'process'>,
  sandbox: Sandbox | null,
  { sinceMs, secrets }: { readonly sinceMs: number; readonly secrets: readonly Secret[] },
): readonly string[] {
  if (sandbox === null || typeof sandbox.network === 'string') return [];
  return redactWithin(secrets, deps.process.refused(sandbox.network.hosts, sinceMs), new Set());
}

/** The end of its output with that. */
export function withRefused(tail: string, refused: readonly string[]): string {
  return refused.reduce((before, each) => `${before}${endOf(before)}── refused: ${each}\n`, tail);
}

/** What a line has to begin with to stand on its own behind a text. */
export function endOf(text: string): string {
  return text === '' || text.endsWith('\n') ? '' : '\n';
}

/** On a full disk what came of it counts all the same. */
export async function appendToLog(file: string, text: string): Promise<void> {
  if (text !== '') await appendFile(file, text).catch(() => undefined);
}

/** What to do about it. @param setting what tasks.yaml calls the network of these processes, with `HOSTS` in the place of the list */
export function letThrough(setting: string): string {
  const hosts = '["*", packages.example.com]';
  return `let it reach what was refused, such as ${setting.replace('HOSTS', hosts)} in tasks.yaml ("*" is every public host); commit, and retry`;
}
