/** What the tests of docker-compose.yml and infra/ share. */

import { readFileSync } from 'node:fs';
import { cli, cliEnvironment } from '../cli/rig.ts';
import { tempFolder } from '../support/temp.ts';
import { ENVIRONMENT_VARIABLES } from '../../src/config/environment-variables.ts';

export const read = (path: string): string => readFileSync(path, 'utf8');

export const VARIABLES = ENVIRONMENT_VARIABLES.flatMap(([names]) => names.split(', '));

/** What a command that is right says where there are none. */
export const NO_SERVERS = /^tasks: no server is running;/;

/** What is wrong with a command: of one that is right, only that it has no servers. */
export async function refusalOf(argv: readonly string[]): Promise<string> {
  const folder = await tempFolder('deployment');
  return (await cli({ cwd: folder, env: cliEnvironment(folder) }, argv)).stderr;
}
