/** A Temporal server of a test file's own that soon suggests to continue as new. */

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTemporal, type RunningTemporal } from '../../src/local/temporal-server.ts';
import { tempFolder } from './temp.ts';
import { testBinary } from './temporal.ts';

/** Events after which it suggests so; some three steps of a task. */
const SUGGESTED_EVENTS = 16;

export async function impatientServer(): Promise<RunningTemporal> {
  const home = await tempFolder('temporal');
  const binary = join(home, 'temporal-server');
  const setting = `limit.historyCount.suggestContinueAsNew=${SUGGESTED_EVENTS}`;
  await writeFile(binary, `#!/bin/sh\nexec '${testBinary()}' "$@" --dynamic-config-value ${setting}\n`);
  await chmod(binary, 0o755);
  const started = await startTemporal({
    binary,
    home,
    namespace: 'default',
    preferredPort: null,
    preferredUiPort: null,
    searchAttributes: {},
    durable: false,
  });
  if (started.kind === 'failed') throw new Error(started.failure.message);
  return started;
}
