/** A Temporal server of a test file's own that soon suggests to continue as new. */

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningTemporal } from '../../src/local/temporal-server.ts';
import { ownServer } from './own-server.ts';
import { tempFolder } from './temp.ts';
import { testBinary } from './temporal.ts';

/** Events after which it suggests so; some three steps of a task. */
const SUGGESTED_EVENTS = 16;

export async function impatientServer(): Promise<RunningTemporal> {
  const binary = join(await tempFolder('temporal'), 'temporal-server');
  const setting = `limit.historyCount.suggestContinueAsNew=${SUGGESTED_EVENTS}`;
  await writeFile(binary, `#!/bin/sh\nexec '${testBinary()}' "$@" --dynamic-config-value ${setting}\n`);
  await chmod(binary, 0o755);
  return ownServer(binary);
}
