/** A program that supervises a home's stack, for tests that kill it: `HOME TEMPORAL-BINARY`. Events go to standard output. */

import { superviseStack } from '../../src/local/supervisor.ts';

const [, , home = '', binary = ''] = process.argv;
const controller = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => controller.abort());

const result = await superviseStack({
  home,
  parts: {
    temporal: {
      kind: 'embedded',
      binary,
      namespace: 'default',
      preferredPort: null,
      preferredUiPort: null,
      searchAttributes: { TaskState: 'Keyword' },
    },
    postgres: { kind: 'embedded', preferredPort: null },
    worker: {
      command: () => ({ argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], cwd: '/', env: {} }),
    },
  },
  report: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  signal: controller.signal,
  durable: false,
});
process.stdout.write(`${JSON.stringify(result)}\n`);
