/** The commands about what Temporal keeps encrypted. */

import type { Table } from './command-table.ts';
import { port } from './option-values.ts';

export function addEncryptionCommands(table: Table): void {
  const { program } = table;
  table.action(
    program
      .command('keygen')
      .description('make a key by which what Temporal keeps of tasks is encrypted')
      .option('--id <id>', "the key's name; the day when left out")
      .option('-o, --out <path>', 'write it to a new file that only you may read'),
    async () => (await import('./commands/keygen.ts')).keygen,
  );
  table.action(
    program
      .command('codec-server')
      .description('let the Temporal Web UI show what is encrypted')
      .option('--port <n>', 'where it listens; 8234 when left out', port('--port'))
      .option('--host <address>', 'on which address; 127.0.0.1 when left out')
      .option(
        '--origin <url>',
        "the Web UI's address; those of the running stack and of host.yaml when left out; once for each",
        several,
      ),
    async () => (await import('./commands/codec-server.ts')).codecServer,
  );
}

function several(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
