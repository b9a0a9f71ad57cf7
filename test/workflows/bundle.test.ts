import { describe, expect, it } from '@jest/globals';
import { bundleWorkflowCode, type LogLevel, type LogMetadata } from '@temporalio/worker';
import { writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join, resolve } from 'node:path';
import * as workflows from '../../src/workflows/index.ts';
import { WORKFLOW_TYPES } from '../../src/workflows/messages.ts';
import { tempFolder } from '../support/temp.ts';

/** What Temporal's own part of a bundle brings along: its stand-ins for these. */
const STANDS_IN = new Set(['assert', 'url', 'util']);

interface Bundled {
  readonly code: string;
  readonly complaints: readonly string[];
}

async function bundle(workflowsPath: string): Promise<Bundled> {
  const complaints: string[] = [];
  const keep = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    if (level === 'WARN' || level === 'ERROR') complaints.push(`${message} ${JSON.stringify(meta ?? {})}`);
  };
  const logger = {
    log: keep,
    trace: (message: string) => keep('TRACE', message),
    debug: (message: string) => keep('DEBUG', message),
    info: (message: string) => keep('INFO', message),
    warn: (message: string, meta?: LogMetadata) => keep('WARN', message, meta),
    error: (message: string, meta?: LogMetadata) => keep('ERROR', message, meta),
  };
  try {
    return { code: (await bundleWorkflowCode({ workflowsPath, logger })).code, complaints };
  } catch (error) {
    return { code: '', complaints: [...complaints, String(error)] };
  }
}

describe('the bundle of the workflows', () => {
  it('has all workflows under the names that clients start them by, and nothing else', async () => {
    const names = Object.keys(workflows).toSorted((a, b) => a.localeCompare(b));
    expect(names).toEqual(Object.values(WORKFLOW_TYPES).toSorted((a, b) => a.localeCompare(b)));
    const { code } = await bundle(resolve('src/workflows/index.ts'));
    for (const name of names) expect(code).toMatch(new RegExp(`(?:async )?function ${name}\\(input`));
  });

  it('is made without Node’s own modules, and of no room but core and workflows', async () => {
    const { code, complaints } = await bundle(resolve('src/workflows/index.ts'));
    expect(complaints).toEqual([]);
    const required = [...code.matchAll(/require\(["'](?:node:)?([\w/]+)["']\)/g)].map((match) => match[1] ?? '');
    expect(required.filter((name) => builtinModules.includes(name) && !STANDS_IN.has(name))).toEqual([]);
    const rooms = [...code.matchAll(/\.\/src\/(\w+)\//g)].map((match) => match[1]);
    expect([...new Set(rooms)].toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(['core', 'workflows']);
  });

  it('would not be made in silence of a workflow that reads files', async () => {
    const path = join(await tempFolder('workflow'), 'bad.ts');
    await writeFile(
      path,
      `import { readFileSync } from 'node:fs';\nexport async function bad() { return readFileSync('/etc/hostname', 'utf8'); }\n`,
    );
    const { complaints } = await bundle(path);
    expect(complaints.join('\n')).toMatch(/node:fs|disallowed/);
  });
});
