/** Who the person is to git, also outside of any repository. */

import { execa } from 'execa';
import { oneLine } from '../core/text.ts';

const LIMIT_MS = 5_000;
const MAX_CHARS = 100;

/** The `user.name` that counts in this folder; null when there is none, or no git that could tell. */
export async function readUserName(cwd: string, env: Readonly<Record<string, string>>): Promise<string | null> {
  const options = { cwd, env, extendEnv: false, timeout: LIMIT_MS, reject: false } as const;
  const { stdout } = await execa('git', ['config', '--get', 'user.name'], options);
  const name = oneLine((stdout ?? '').trim(), MAX_CHARS);
  return name === '' ? null : name;
}
