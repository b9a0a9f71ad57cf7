/** Completion scripts for shells, made from the command table. */

import type { Command } from 'commander';
import { quote } from '../../core/ids.ts';
import { EXIT, UsageError } from '../errors.ts';
import { renderCompletion, SHELLS, type CommandShape, type Shell } from '../render/completion.ts';
import type { Session } from '../session.ts';

/** `tasks completion SHELL`. */
export async function completion(session: Session, program: Command, args: readonly string[]): Promise<number> {
  const [name = ''] = args;
  if (!isShell(name)) throw new UsageError(`shell: ${quote(name)} is not known; give one of ${SHELLS.join(', ')}`);
  const shapes = program.commands.map((command): CommandShape => ({
    name: command.name(),
    description: command.description(),
    options: command.options.map(({ long, description }) => ({ name: long ?? '', description })),
  }));
  const script = renderCompletion(name, shapes);
  if (session.json) session.printJson({ shell: name, script });
  else session.print(script);
  return EXIT.ok;
}

function isShell(name: string): name is Shell {
  return (SHELLS as readonly string[]).includes(name);
}
