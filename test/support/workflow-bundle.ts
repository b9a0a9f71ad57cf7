/** The workflows' bundle, as the build makes it, from their present code. */

import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const SOURCE = resolve('src/workflows/index.ts');
const BUNDLES = resolve('node_modules/.cache/test-workflows');
let bundle: Promise<{ readonly code: string }> | null = null;

/** The workflows as they now are; made once for all test files, since it takes seconds. */
export function workflowBundle(): Promise<{ readonly code: string }> {
  bundle ??= makeBundle();
  return bundle;
}

/** The present workflows, but that no history is asked whether it was written by a rule: the answer is always the same. */
export async function answering(patch: string, answer: boolean): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  const asked = new RegExp(String.raw`\(0, *[\w$.]+\.patched\)\('${patch}'\)`, 'g');
  if (code.match(asked)?.length !== 1) throw new Error(`the workflows do not ask for ${patch} in one place`);
  return { code: code.replace(asked, String(answer)) };
}

async function makeBundle(): Promise<{ readonly code: string }> {
  const hash = createHash('sha256').update(await readFile('package.json'));
  for (const folder of ['src/core', 'src/workflows', 'src/activities']) {
    for (const name of (await readdir(folder)).toSorted()) hash.update(name).update(await readFile(join(folder, name)));
  }
  const name = `${hash.digest('hex')}.js`;
  const made = join(BUNDLES, name);
  if (existsSync(made)) return { code: await readFile(made, 'utf8') };
  const { code } = await bundleWorkflowCode({
    workflowsPath: SOURCE,
    failureConverterPath: resolve('src/workflows/failure-converter.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  await mkdir(BUNDLES, { recursive: true });
  // Whole under its name, for those who look at the same time.
  const own = `${made}.${randomUUID()}`;
  await writeFile(own, code);
  await rename(own, made);
  const older = (await readdir(BUNDLES)).filter((other) => !other.startsWith(name));
  await Promise.all(older.map((other) => rm(join(BUNDLES, other), { force: true })));
  return { code };
}
