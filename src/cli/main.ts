/** The command table. Nothing heavy is loaded here: each command's code is, when it is called. */

import { Command, CommanderError } from 'commander';
import { TASK_STATES } from '../core/task-types.ts';
import type { Table } from './command-table.ts';
import { addEncryptionCommands } from './encryption-commands.ts';
import { EXIT, explainError } from './errors.ts';
import { addExamples } from './examples.ts';
import { addHelp, endOfCommander } from './help.ts';
import type { CliIo } from './io.ts';
import { count } from './option-values.ts';
import { addOperatorCommands } from './operator-commands.ts';
import { addPeopleCommands } from './people-commands.ts';
import { addSubmitting } from './submit-commands.ts';

/** Runs one command; its exit code: 0, 1 (failed), 2 (wrong usage), 124 (--timeout is over) or 130. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const outcome = { code: EXIT.ok as number };
  const program = makeProgram(io, outcome);
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' });
    return outcome.code;
  } catch (error) {
    if (error instanceof CommanderError) return endOfCommander(error, io, program, argv);
    const { code, line } = explainError(error);
    io.stderr.write(`${line}\n`);
    const debug = io.env['TASKS_DEBUG'] ?? '';
    if (debug !== '' && debug !== '0' && error instanceof Error) io.stderr.write(`${error.stack ?? ''}\n`);
    return code;
  }
}

/** The program with all its commands. @param outcome gets the exit code of the one that is run */
export function makeProgram(io: CliIo, outcome: { code: number }): Command {
  const program = new Command('tasks');
  program
    .description('Runs tasks for coding agents durably, and lands finished work on main, each commit tested.')
    .version(io.programs.version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => io.stdout.columns ?? 100,
    })
    .showSuggestionAfterError(true)
    .helpCommand(false)
    // An option after a command's command is that one's.
    .enablePositionalOptions()
    .addHelpText('after', HELP_AFTER);
  const table: Table = {
    program,
    action: (command, load) =>
      command.option('--json', 'JSON on standard output, and nothing else').action(async (...given: unknown[]) => {
        const options = optionsOf(command);
        const args = given.slice(0, -2).flatMap((arg) => (arg === undefined ? [] : (arg as string | string[])));
        const { Session } = await import('./session.ts');
        const session = new Session(io, options['json'] === true);
        try {
          const work = await load();
          outcome.code = await work(session, options as Parameters<typeof work>[1], args);
        } finally {
          await session.close();
        }
      }),
  };
  addStackCommands(table);
  addSubmitting(table);
  addReading(table);
  addPeopleCommands(table);
  addMessages(table);
  addOperatorCommands(table);
  addCare(table);
  addEncryptionCommands(table);
  addHelp(program);
  addExamples(program);
  return program;
}

/** An option may stand before a command's command, too: `tasks queue --project shop pause`. The one behind it wins. */
function optionsOf(command: Command): Record<string, unknown> {
  return { ...command.parent?.opts(), ...command.opts() };
}

const HELP_AFTER = `
Examples:
  $ tasks up --detach
  $ tasks init
  $ tasks submit "Add a --json flag to the list command" --file notes.md
  $ tasks submit "Sort the imports" --run "npx --no-install some-codemod"
  $ tasks submit --from tasks.jsonl
  $ tasks wait --all
  $ tasks inbox
  $ tasks answer 3f "Yes, the second one"
  $ tasks approve 3f@2

Every command that takes an ID takes its unambiguous beginning too. Exit codes: 0 done, 1 failed, 2 wrong usage,
124 --timeout is over, 130 interrupted.`;

function addStackCommands(table: Table): void {
  const { program } = table;
  table.action(
    program
      .command('up')
      .description('start the embedded stack: Temporal, Postgres and a worker')
      .option('-d, --detach', 'in the background; returns when everything is ready')
      .option('--no-worker', 'without a worker')
      .option('--agents <n>', 'agents at the same time', count('--agents'))
      .option('--gates <n>', 'gate runs at the same time', count('--gates')),
    async () => (await import('./commands/up.ts')).up,
  );
  table.action(
    program.command('down').description('stop the stack, and whatever is left of an earlier one'),
    async () => (await import('./commands/down.ts')).down,
  );
  table.action(
    program
      .command('worker')
      .description('run a worker in the foreground')
      .option('--agents <n>', 'agents at the same time', count('--agents'))
      .option('--gates <n>', 'gate runs at the same time', count('--gates'))
      .option('--labels <list>', 'what it has that tasks may require, such as gpu,linux'),
    async () => (await import('./commands/worker.ts')).worker,
  );
  table.action(
    program.command('status').description('what runs, where, and how many tasks are in which state'),
    async () => (await import('./commands/status.ts')).status,
  );
}

function addReading(table: Table): void {
  const { program } = table;
  table.action(
    program
      .command('list')
      .alias('ls')
      .description('tasks that have not ended, and the latest that have')
      .option('--all', 'every task')
      .option('--state <state>', `one of ${TASK_STATES.join(', ')}; several with commas`)
      .option('--project <name>', 'of one project')
      .option('--limit <n>', 'at most so many', count('--limit')),
    async () => (await import('./commands/list.ts')).list,
  );
  table.action(
    program.command('show').description('one task: its state, its history, what it asks').argument('<id>'),
    async () => (await import('./commands/show.ts')).show,
  );
  table.action(
    program
      .command('logs')
      .description('what a task printed')
      .argument('<id>')
      .option('-f, --follow', 'until the task has ended')
      .option('--attempt <n>', 'of one attempt', count('--attempt')),
    async () => (await import('./commands/logs.ts')).logs,
  );
  addQueue(table);
}

function addQueue(table: Table): void {
  const queue = table.program
    .command('queue')
    .description('what waits for landing, and why nothing lands when nothing does')
    .option('--project <name>', 'of one project')
    .enablePositionalOptions();
  table.action(queue, async () => (await import('./commands/queue.ts')).queue);
  table.action(ofOneBranch(queue.command('pause').description('land nothing until resume')), async () =>
    (await import('./commands/queue-control.ts')).holdQueue('pause'),
  );
  table.action(
    ofOneBranch(
      queue
        .command('resume')
        .description(
          'land again, after a pause and after what stopped the queue; while main is red, gate it again now',
        ),
    ),
    async () => (await import('./commands/queue-control.ts')).holdQueue('resume'),
  );
  table.action(queue.command('promote').description('take one that waits as the next').argument('<id>'), async () =>
    (await import('./commands/queue-control.ts')).moveInQueue('promote'),
  );
  table.action(queue.command('remove').description('take one out of the queue').argument('<id>'), async () =>
    (await import('./commands/queue-control.ts')).moveInQueue('remove'),
  );
  table.action(
    table.program
      .command('conflicts')
      .description('tasks in flight that conflict with main, and with one another')
      .option('--project <name>', 'of one project'),
    async () => (await import('./commands/conflicts.ts')).conflicts,
  );
  table.action(
    table.program
      .command('flakes')
      .description('tests that were red and then green on the same tree')
      .option('--project <name>', 'of one project')
      .option('--limit <n>', 'at most so many', count('--limit')),
    async () => (await import('./commands/flakes.ts')).flakes,
  );
}

function ofOneBranch(command: Command): Command {
  return command
    .option('--project <name>', 'of one project')
    .option('--branch <name>', 'of one branch, where the project has queues for several');
}

function addMessages(table: Table): void {
  const { program } = table;
  table.action(
    program.command('cancel').description('stop tasks for good').argument('<id...>'),
    async () => (await import('./commands/cancel.ts')).cancel,
  );
}

function addCare(table: Table): void {
  const { program } = table;
  table.action(
    program
      .command('init')
      .description('write tasks.yaml for this repository')
      .option('--project <name>')
      .option('--branch <name>')
      .option('--gate <command>', 'the checks that main must pass')
      .option('--setup <command>', 'fills ignored folders of a fresh worktree; "" for none')
      .option('--agent <name>', 'claude, or a command')
      .option('-y, --yes', 'ask nothing')
      .option('--commit', 'commit it too')
      .option('--force', 'overwrite a tasks.yaml'),
    async () => (await import('./commands/init.ts')).init,
  );
  table.action(
    program.command('setup').description('register the search attributes on an existing Temporal'),
    async () => (await import('./commands/setup.ts')).setup,
  );
  table.action(
    program.command('doctor').description('check everything that Tributary needs, each with the fix'),
    async () => (await import('./commands/doctor.ts')).doctor,
  );
  table.action(
    program
      .command('notify')
      .description('where this machine can send notices to; --test sends one to each, or to one')
      .argument('[target]', 'a name under targets in host.yaml')
      .option('--test', 'send a test, and say what came back'),
    async () => (await import('./commands/notify.ts')).notify,
  );
  table.action(
    program
      .command('completion')
      .description('a completion script for your shell')
      .argument('<shell>', 'bash, zsh or fish'),
    async () => {
      const { completion } = await import('./commands/completion.ts');
      return (session, _options, args) => completion(session, program, args);
    },
  );
}
