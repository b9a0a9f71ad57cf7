import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findViolations, linterOverrides } from './rooms.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILES = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.ts'),
);

describe('who imports whom', () => {
  it('is as the table has it, in every file', () => {
    expect(FILES.length).toBeGreaterThan(100);
    const violations = FILES.flatMap((path) => findViolations(path, readFileSync(join(ROOT, 'src', path), 'utf8')));
    expect(violations).toEqual([]);
  });

  it.each([
    ['core/x.ts', "import { readFile } from 'node:fs/promises';"],
    ['core/x.ts', "import type { GitRoom } from '../git/types.ts';"],
    ['core/deep/x.ts', "export { y } from '../../agents/y.ts';"],
    ['workflows/x.ts', "import { runPhase } from '../activities/run-phase.ts';"],
    ['workflows/x.ts', "import {\n  a,\n  b,\n} from '../git/room.ts';"],
    ['workflows/x.ts', "import '@temporalio/client';"],
    ['agents/x.ts', "import { git } from '../git/git.ts';"],
    ['files/x.ts', "import { git } from '../git/git.ts';"],
    ['git/x.ts', "const room = await import('../process/room.ts');"],
    ['notify/x.ts', "import { removeWhole } from '../files/remove.ts';"],
    ['config/x.ts', "import { createGitRoom } from '../git/room.ts';"],
    ['cli/commands/x.ts', "import { task } from '../../workflows/task.ts';"],
    ['cli/x.ts', "import { startWorker } from '../worker/start-worker.ts';"],
    ['activities/x.ts', "import { readEnvironment } from '../config/environment.ts';"],
    ['notify/x.ts', "import { readHostFile } from '../config/host-file.ts';"],
    ['bin/x.ts', "import { runCli } from '../cli/main.ts';"],
    ['elsewhere/x.ts', ''],
  ])('refuses a planted %s with %j', (path, source) => {
    expect(findViolations(path, source)).toHaveLength(1);
  });

  it.each([
    ['core/x.ts', "import { ok } from './parsed.ts';"],
    ['workflows/x.ts', "import type { Activities } from '../activities/types.ts';"],
    ['git/x.ts', "import { removeWhole } from '../files/remove.ts';"],
    ['config/x.ts', "import { readCheckout } from '../git/checkout.ts';"],
    ['cli/commands/x.ts', "import { detailQuery } from '../../workflows/messages.ts';"],
    ['notify/x.ts', "const { createTransport } = await import('nodemailer');"],
    ['git/x.ts', "// import { x } from '../cli/main.ts';\nimport { join } from 'node:path';"],
  ])('takes %s with %j', (path, source) => {
    expect(findViolations(path, source)).toEqual([]);
  });

  it('is told to the linter by the same table', () => {
    const configuration: unknown = JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8'));
    expect(configuration).toMatchObject({ overrides: expect.arrayContaining(linterOverrides() as unknown[]) });
  });

  it('has process.env read in config alone, and where a program begins', () => {
    const beginnings = ['cli/entry.ts'];
    const readers = FILES.filter((path) => !path.startsWith('config/') && !beginnings.includes(path)).filter((path) =>
      /\bprocess\.env\b/.test(readFileSync(join(ROOT, 'src', path), 'utf8')),
    );
    expect(readers).toEqual([]);
  });
});
