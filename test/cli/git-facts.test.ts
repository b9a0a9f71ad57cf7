import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseBranchName, parseProjectName } from '../../src/core/ids.ts';
import type { Target } from '../../src/core/queue-types.ts';
import { readLandings } from '../../src/cli/rebuild/git-facts.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment } from './rig.ts';

const run = promisify(execFile);
const IDENTITY = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', '-c', 'commit.gpgsign=false'];
const MESSAGE = 'Sell\n\nTask-Id: 0123456789\nTask-Attempt: 2\nGate-Hash: feed\nTributary-Project: shop';

async function targetOf(format: string): Promise<Target> {
  const origin = join(await tempFolder('landings'), 'origin');
  const git = (...args: string[]) => run('git', [...IDENTITY, '-C', origin, ...args]);
  await run('git', ['init', '--quiet', `--object-format=${format}`, '--initial-branch=main', origin]);
  await git('commit', '--quiet', '--allow-empty', '-m', 'Begin');
  await git('commit', '--quiet', '--allow-empty', '-m', MESSAGE);
  // Of another project that lands on the same branch.
  await git(
    'commit',
    '--quiet',
    '--allow-empty',
    '-m',
    MESSAGE.replace('0123456789', '9876543210').replace(/shop$/, 'other'),
  );
  return targetIn(origin);
}

function targetIn(origin: string): Target {
  const [project, branch] = [parseProjectName('shop'), parseBranchName('main')];
  if (project.kind === 'invalid' || branch.kind === 'invalid') throw new Error('no target');
  return { project: project.value, branch: branch.value, origin };
}

describe('what has landed', () => {
  it.each(['sha1', 'sha256'])('is read from an origin whose ids are %s', async (format) => {
    const target = await targetOf(format);
    const found = await readLandings(target, cliEnvironment(join(target.origin, '..')));
    expect(found).toMatchObject({
      kind: 'ok',
      value: [{ taskId: '0123456789', attempt: 2, gateHash: 'feed', title: 'Sell', author: 'Ada' }],
    });
  });

  it('is not read where there is no origin, which is said without its password', async () => {
    const env = cliEnvironment(await tempFolder('landings'));
    const found = await readLandings(targetIn('http://ada:guess@127.0.0.1:1/shop'), env);
    expect(found).toMatchObject({
      kind: 'invalid',
      message: expect.stringMatching(/^shop: main of http:\/\/127\.0\.0\.1:1\/shop cannot be read: fatal: unable/),
    });
    expect(JSON.stringify(found)).not.toContain('guess');
  });
});
