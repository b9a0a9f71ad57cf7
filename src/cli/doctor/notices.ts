/** Whether what is to be told can be: the targets that rules name, and who may read the file that has their keys. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST_FILE, readHostFile } from '../../config/host-file.ts';
import type { NotifyRule } from '../../core/task-types.ts';
import { fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

const OTHERS = 0o077;

/** The host's own part: how many targets there are, and that their keys are the owner's alone. */
export async function checkTargets({ environment }: Session): Promise<readonly Check[]> {
  const host = await readHostFile(environment.home);
  if (host.kind === 'invalid') return [];
  const names = Object.keys(host.value.targets);
  if (names.length === 0) return [];
  const path = join(environment.home, HOST_FILE);
  const { mode } = await stat(path);
  const found = `targets ${names.join(', ')}`;
  return process.platform !== 'win32' && (mode & OTHERS) !== 0
    ? [warn('notices', `${found}; others on this machine may read their keys`, `chmod 600 ${path}`)]
    : [fine('notices', `${found}; try them with: tasks notify --test`)];
}

/** The project's part: each target that its rules name is one of this host. */
export async function checkRules({ environment }: Session, rules: readonly NotifyRule[]): Promise<readonly Check[]> {
  if (rules.length === 0) return [];
  const host = await readHostFile(environment.home);
  const targets = host.kind === 'invalid' ? {} : host.value.targets;
  const missing = [...new Set(rules.map(({ to }) => to))].filter((to) => !Object.hasOwn(targets, to));
  if (missing.length === 0) return [fine('notify', `${rules.length} rules, each with its target`)];
  return [
    warn(
      'notify',
      `tasks.yaml tells ${missing.join(', ')}, which this host does not have`,
      `where workers run here: add it under targets in ${join(environment.home, HOST_FILE)}`,
    ),
  ];
}
