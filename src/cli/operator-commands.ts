/** The commands by which operators look after what failed, after hosts, and after the ledger. */

import type { Table } from './command-table.ts';
import { UsageError } from './errors.ts';
import { count } from './option-values.ts';

export function addOperatorCommands(table: Table): void {
  addFailed(table);
  addHosts(table);
  addGc(table);
  addBuilds(table);
  addLedger(table);
}

function addFailed(table: Table): void {
  const { program } = table;
  table.action(
    program
      .command('failed')
      .description('tasks that failed: that wait for a retry, and that ended so')
      .option('--project <name>', 'of one project')
      .option('--limit <n>', 'at most so many', count('--limit')),
    async () => (await import('./commands/failed.ts')).failed,
  );
  table.action(
    program
      .command('retry')
      .description('go on with tasks that wait after failing, or that ended failed, rejected or canceled')
      .argument('[id...]')
      .option('--all-failed', 'all that tasks failed shows')
      .option('--where <filter>', 'all that fit, such as project=shop,state=failed,phase=plan,failure=setup-failed')
      .option('--from <phase>', 'from an earlier phase than the one that failed'),
    async () => (await import('./commands/retry.ts')).retry,
  );
}

function addHosts(table: Table): void {
  const hosts = table.program
    .command('hosts')
    .description('the machines that run workers: slots, load, disk, and when they were last seen')
    .enablePositionalOptions();
  table.action(hosts, async () => (await import('./commands/hosts.ts')).hosts);
  table.action(
    hosts.command('drain').description('have a host take no new phases and gate runs').argument('<host>'),
    async () => (await import('./commands/hosts.ts')).holdHost('drain'),
  );
  table.action(
    hosts.command('undrain').description('have a host take phases and gate runs again').argument('<host>'),
    async () => (await import('./commands/hosts.ts')).holdHost('undrain'),
  );
}

function addGc(table: Table): void {
  table.action(
    table.program
      .command('gc')
      .description(
        'remove what ended tasks have left on this machine and its origins, on proof; say why the rest is kept',
      )
      .option('--dry-run', 'only say what would be removed, and why'),
    async () => (await import('./commands/gc.ts')).gc,
  );
}

function addBuilds(table: Table): void {
  const builds = table.program
    .command('builds')
    .description('builds of workers that run with worker versioning, and which is current')
    .enablePositionalOptions();
  table.action(builds, async () => (await import('./commands/builds.ts')).builds);
  table.action(
    builds
      .command('use')
      .description('have a build carry all workflows; none: workers without versioning')
      .argument('<build>'),
    async () => (await import('./commands/builds.ts')).useBuild,
  );
}

function addLedger(table: Table): void {
  const ledger = table.program
    .command('ledger')
    .description('care for the ledger')
    .helpCommand(false)
    .enablePositionalOptions();
  table.action(ledger, () =>
    Promise.resolve(() => {
      throw new UsageError('ledger: say what to do with it, such as: tasks ledger rebuild --dry-run');
    }),
  );
  table.action(
    ledger
      .command('rebuild')
      .description("build the ledger's records of tasks anew from Temporal's workflows and from git")
      .option('--dry-run', 'say what differs, and change nothing; exit 1 when something does'),
    async () => (await import('./commands/ledger-rebuild.ts')).rebuildLedger,
  );
}
