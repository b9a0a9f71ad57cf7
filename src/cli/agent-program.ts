/** Whether the program of an agent or of a gate is on this machine, for the commands that can tell before anything is started. */

import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { programOf } from '../config/detect.ts';
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
  return { program, path: findProgram(program, environment.path), fix };
}

/** For whoever chooses an agent before it is defined: `claude`, or a command. A line that says what to do; null: it is there. */
export async function missingProgram(
  agent: string | readonly string[],
  environment: Pick<Environment, 'home' | 'path'>,
): Promise<string | null> {
  const phases = ['execute'] as const;
  const definition: AgentDefinition =
    typeof agent === 'string'
      ? { kind: 'claude', model: null, args: [] }
      : { kind: 'command', command: [...agent], phases: [...phases] };
  const { program, path, fix } = await findAgentProgram(definition, environment);
  if (path !== null) return null;
  const other = 'or choose another agent in tasks.yaml; tasks with --run need none';
  return `the agent's program, ${program}, is not on this machine; ${fix}; ${other}`;
}

/** One with a slash may be of the repository: it is taken as it is. */
export function findProgram(program: string, path: string): string | null {
  if (program.includes('/') && !isAbsolute(program)) return program;
  const places = isAbsolute(program) ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK);
      return place;
    } catch {
      // Not here: the next folder.
    }
  }
  return null;
}

/** Of the commands that `tasks init` writes down, the line that says what is not here; null: all is, as far as one can say. */
export function missingCommands(commands: readonly (string | null)[], path: string): string | null {
  const programs = commands.map((each) => (each === null ? null : programOf(each))).filter((each) => each !== null);
  const missing = [...new Set(programs)].filter((program) => findProgram(program, path) === null);
  if (missing.length === 0) return null;
  const [what, it] = missing.length === 1 ? ['program', 'is'] : ['programs', 'are'];
  const other = 'or give other commands: tasks init --force --gate "…" --setup "…"';
  return `the gate's ${what}, ${missing.join(' and ')}, ${it} not on this machine; install ${missing.join(' and ')} where workers run, ${other}`;
}
