/** `tasks help`, and what is said of a command line that cannot be read. */

import type { Command, CommanderError } from 'commander';
import { quote } from '../core/ids.ts';
import { EXIT, explainError, UsageError } from './errors.ts';
import type { CliIo } from './io.ts';

/** Commander's own says nothing of a command that there is none of. */
export function addHelp(program: Command): void {
  program
    .command('help')
    .description('all commands, or one')
    .argument('[command...]')
    .action(async (names: readonly string[]) => {
      let command = program;
      for (const name of names) command = findCommand(command, name) ?? (await unknownCommand(command, name));
      command.outputHelp();
    });
}

/** @throws UsageError that names the nearest one */
async function unknownCommand(above: Command, name: string): Promise<never> {
  const { didYouMean } = await import('../config/explain.ts');
  const near = didYouMean(
    name,
    above.commands.map((each) => each.name()),
  );
  throw new UsageError(`unknown command ${quote(name)}${near}${near === '' ? '; see' : ' See'} tasks --help`);
}

function findCommand(program: Command, name: string): Command | null {
  return program.commands.find((each) => each.name() === name || each.aliases().includes(name)) ?? null;
}

/** What has a space in it was meant as a text: a list in Markdown, say. */
const TEXT_AS_OPTION = /^unknown option '(-[^']*\s.*)'$/;
const TOO_MANY = /^too many arguments for '(\S+)'\. Expected (\d+) arguments? but got (\d+)\.?$/;

/** Help and version are no errors; everything else is wrong usage, in one line. The exit code. */
export function endOfCommander(error: CommanderError, io: CliIo, program: Command, argv: readonly string[]): number {
  if (error.exitCode === 0) return EXIT.ok;
  const command = findCommand(program, argv[0] ?? '');
  const below = command?.commands.map((each) => each.name()).filter((name) => name !== 'help') ?? [];
  const message = error.message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(TEXT_AS_OPTION, (unknown) => `${unknown}; a text that begins with a dash goes to the end, behind --`)
    .replace(TOO_MANY, (_all, name: string, taken: string, given: string) => {
      if (name === command?.name() && below.length > 0) return `${name} has the commands ${below.join(', ')}`;
      return taken === '0'
        ? `too many arguments: ${name} takes none`
        : `too many arguments: ${name} takes ${taken}, not ${given}; put quotes around a text with spaces`;
    });
  const { line } = explainError(
    new UsageError(`${message}; see tasks ${command === null ? '' : `${command.name()} `}--help`),
  );
  io.stderr.write(`${line}\n`);
  return EXIT.usage;
}
