/** `tasks help`. */

import type { Command } from 'commander';
import { quote } from '../core/ids.ts';
import { UsageError } from './errors.ts';

/** Commander's own says nothing of a command that there is none of. */
export function addHelp(program: Command): void {
  program
    .command('help')
    .description('all commands, or one')
    .argument('[command]')
    .action(async (name: string | undefined) => {
      const command = name === undefined ? program : findCommand(program, name);
      if (command !== null) return command.outputHelp();
      const { nearest } = await import('../config/explain.ts');
      const near = nearest(
        name ?? '',
        program.commands.map((each) => each.name()),
      );
      throw new UsageError(`unknown command ${quote(name ?? '')}; did you mean ${near}? See tasks --help`);
    });
}

function findCommand(program: Command, name: string): Command | null {
  return program.commands.find((each) => each.name() === name || each.aliases().includes(name)) ?? null;
}
