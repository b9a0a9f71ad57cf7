/** Which Temporal serves: the pinned release, and what an installed one must at least be. */

import { execa } from 'execa';
import { metLimit, type MetLimit } from '../core/met-limit.ts';
import { messageOf } from '../core/thrown.ts';

/** The release that is downloaded or built; its server is 1.29.1. */
export const PINNED_VERSION = '1.5.1';
const LEAST_SERVER = '1.29.0';
const VERSION_TIMEOUT_MS = 10_000;

export type VersionCheck =
  | { readonly kind: 'serves'; readonly cli: string; readonly server: string }
  | { readonly kind: 'refused'; readonly reason: string }
  /** It may be a good one: any other would fare alike here. */
  | { readonly kind: 'limited'; readonly limit: MetLimit };

/** What `temporal --version` printed, judged. Pure. */
export function judgeVersion(printed: string): VersionCheck {
  const match = /temporal version (\d+\.\d+\.\d+)\S* \(Server (\d+\.\d+\.\d+)/i.exec(printed);
  const [, cli, server] = match ?? [];
  if (cli === undefined || server === undefined) {
    return { kind: 'refused', reason: `its --version printed ${JSON.stringify(printed.slice(0, 80))}` };
  }
  // One built without a release's flags calls itself 0.0.0: its server's version alone tells.
  const oldCli = cli !== '0.0.0' && isOlder(cli, PINNED_VERSION);
  if (oldCli || isOlder(server, LEAST_SERVER)) {
    return {
      kind: 'refused',
      reason: `is ${cli} with server ${server}; ${PINNED_VERSION} with server ${LEAST_SERVER} is the least`,
    };
  }
  return { kind: 'serves', cli, server };
}

function isOlder(version: string, least: string): boolean {
  const [have, need] = [version, least].map((text) => text.split('.').map(Number));
  for (let index = 0; index < 3; index += 1) {
    const difference = (have?.[index] ?? 0) - (need?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Runs a binary's --version and judges it. */
export async function checkBinary(binary: string): Promise<VersionCheck> {
  try {
    const { stdout } = await execa(binary, ['--version'], {
      timeout: VERSION_TIMEOUT_MS,
      env: {},
      extendEnv: false,
      maxBuffer: 65_536,
    });
    return judgeVersion(stdout);
  } catch (error) {
    const said = messageOf(error);
    const limit = metLimit(said);
    return limit === null
      ? { kind: 'refused', reason: `does not run: ${said.split('\n')[0] ?? ''}` }
      : { kind: 'limited', limit };
  }
}
