/** Parts of the engine as the worker has them: bundled from their sources. */

import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @param {string} source relative to this folder */
export async function bundled(folder, source) {
  const { build } = await import('rolldown');
  const file = join(folder, `${basename(source, '.ts')}.cjs`);
  await build({
    input: fileURLToPath(new URL(source, import.meta.url)),
    platform: 'node',
    logLevel: 'silent',
    output: { file, format: 'cjs', codeSplitting: false },
  });
  return createRequire(import.meta.url)(file);
}
