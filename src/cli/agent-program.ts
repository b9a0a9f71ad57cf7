/** Whether an agent's program is on this machine, for the commands that can tell before anything is started. */

import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Environment } from '../config/environment.ts';
import { programPath, readHostFile } from '../config/host-file.ts';
import type { AgentDefinition } from '../core/project.ts';

export interface AgentProgram {
  readonly program: string;
  /** Null when it is nowhere on this machine. */
  readonly path: string | null;
  readonly fix: string;
}

export async function findAgentProgram(
  definition: AgentDefinition,
  environment: Pick<Environment, 'home' | 'path'>,
): Promise<AgentProgram> {
  const named = definition.kind === 'claude' ? 'claude' : (definition.command[0] ?? '');
  const host = await readHostFile(environment.home);
  const program = host.kind === 'ok' ? programPath(host.value, named) : named;
  const fix = `install ${named} where workers run, or name its path in host.yaml: programs: {${named}: /path}`;
  return { program, path: await findProgram(program, environment.path), fix };
}

/** One with a slash may be of the repository: it is taken as it is. */
async function findProgram(program: string, path: string): Promise<string | null> {
  if (program.includes('/') && !isAbsolute(program)) return program;
  const places = isAbsolute(program) ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return place;
    } catch {
      // Not here: the next folder.
    }
  }
  return null;
}
