/** Completion scripts for shells, made from the command table. */

import type { Command, Option } from 'commander';
import { quote } from '../../core/ids.ts';
import { PHASES } from '../../core/retry-from.ts';
import { PRIORITIES, TASK_STATES } from '../../core/task-types.ts';
import { EXIT, UsageError } from '../errors.ts';
import { renderCompletion, SHELLS, type CommandShape, type OptionShape, type Shell } from '../render/completion.ts';
import type { Session } from '../session.ts';

/** `tasks completion SHELL`. */
export async function completion(session: Session, program: Command, args: readonly string[]): Promise<number> {
  const [name = ''] = args;
  if (!isShell(name)) throw new UsageError(`shell: ${quote(name)} is not known; give one of ${SHELLS.join(', ')}`);
  const shapes = program.commands.map((command): CommandShape => ({
    name: command.name(),
    description: command.description(),
    below: command.commands.map((each) => each.name()).filter((each) => each !== 'help'),
    options: command.options.map((option) => ({
      name: option.long ?? '',
      description: option.description,
      value: valueOf(command.name(), option),
    })),
  }));
  const script = renderCompletion(name, shapes);
  if (session.json) session.printJson({ shell: name, script });
  else session.print(script);
  return EXIT.ok;
}

/** The agents of the repository's tasks.yaml, where they are written one below the other. */
const LIST_AGENTS = String.raw`sed -n '/^agents:/,/^[^ #]/s/^  \([a-z0-9][a-z0-9-]*\):.*/\1/p' "$(git rev-parse --show-toplevel 2>/dev/null)/tasks.yaml" 2>/dev/null; echo claude`;

const LIST_PROJECTS = String.raw`tasks list --all --json 2>/dev/null | sed -n 's/.*"project":"\([a-z0-9-]*\)".*/\1/p' | sort -u`;

function valueOf(command: string, { long, flags, required }: Option): OptionShape['value'] {
  if (!required) return 'none';
  if (flags.includes('<path>')) return 'file';
  if (long === '--state') return { words: TASK_STATES };
  if (long === '--priority') return { words: PRIORITIES };
  if (long === '--from') return { words: PHASES };
  // The one that init names is new.
  if (long === '--project' && command !== 'init') return { command: LIST_PROJECTS };
  return command === 'submit' && long === '--agent' ? { command: LIST_AGENTS } : 'any';
}

function isShell(name: string): name is Shell {
  return (SHELLS as readonly string[]).includes(name);
}
