import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';

const MIB = 1024 * 1024;
const DISK_MIB = 96;
/** So much is kept free. */
const FREE_BYTES = 24 * MIB;

/** Only root may mount a disk of its own for this. */
const mayMount = process.platform === 'linux' && process.getuid?.() === 0 && mountWorks();

function mountWorks(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a host whose disk is small', () => {
  let engine: Engine | null = null;
  let home = '';
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(home);
    return bavail * bsize;
  };

  beforeAll(async () => {
    if (!mayMount) return;
    home = join(await tempFolder('small'), 'home');
    execFileSync('mkdir', [home]);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', home]);
    engine = await Engine.start({
      home,
      sharesHome: false,
      agents: 2,
      limits: { endBelowBytes: FREE_BYTES, minFreeBytes: MIB, shortBelowBytes: 0 },
    });
  });
  afterAll(async () => {
    await engine?.stop();
    if (home !== '') execFileSync('umount', ['-l', home]);
  });

  (mayMount ? it : it.skip)(
    'ends the one that fills it, by the name of that, before it is full, and the others go on (as root alone)',
    async () => {
      if (engine === null) throw new Error('there is no engine');
      const project = await SampleProject.create({
        'tasks.yaml': projectFile(),
        'gate.sh': 'true\n',
        'agent.sh': 'exit 1\n',
      });
      const shell = (title: string, run: string) => {
        if (engine === null) throw new Error('there is no engine');
        return engine.submit(project, { title, work: { kind: 'shell', run }, attempts: 1 });
      };
      const other = await shell('Other', 'touch "$TASKS_TASK_DIR/up"; until [ -e "$TASKS_TASK_DIR/go" ]; do sleep 0.05; done; echo x > other'); // prettier-ignore
      const folder = join(home, 'workspaces', 'sample', other, 'task');
      await eventually('the other one to run', () => existsSync(join(folder, 'up')));
      let least = freeBytes();
      // At once to where little is missing, and then so slowly that it is seen in time however busy the machine is.
      const hostile = await shell('Fill', `head -c ${60 * MIB} /dev/zero > fill; while head -c 100000 /dev/zero >> fill; do sleep 0.02; done; echo it is full; exit 1`); // prettier-ignore
      const view = await engine.until(hostile, 'over', (seen) => {
        least = Math.min(least, freeBytes());
        return seen.endedAt !== null || seen.waitingFor !== null;
      });
      expect(view.failure).toMatchObject({
        kind: 'too-much-written',
        message: expect.stringContaining('the disk was nearly full'),
      });
      expect(least).toBeGreaterThan(0);
      const log = (await engine.ledger.readLogs(hostile, null, 100)).map(({ text }) => text).join('');
      expect(log).not.toMatch(/it is full|No space/);
      // What it had is gone, and there is room for the others.
      expect(freeBytes()).toBeGreaterThan(FREE_BYTES);
      writeFileSync(join(folder, 'go'), '');
      expect(await engine.untilEnded(other)).toMatchObject({ state: 'landed', attempt: 1, failure: null });
    },
  );
});
