import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NoticeTarget } from '../../src/core/notice-types.ts';
import { eventually } from '../support/eventually.ts';
import { takeAllDescriptors } from '../support/descriptors.ts';
import { tempFolder } from '../support/temp.ts';
import { MESSAGE, room, SHORT_MS } from './rig.ts';

const SETPRIV = '/usr/bin/setpriv';
const command = (...parts: readonly string[]): NoticeTarget => ({ kind: 'command', command: parts });
/** Writes its arguments, from the second on, to the first one, each ended by a line with a dot. */
const WRITE =
  'const [file, ...rest] = process.argv.slice(1); require("node:fs").writeFileSync(file, JSON.stringify(rest));';

describe('a command', () => {
  it('gets what a notice says in its arguments, each by its name', async () => {
    const file = join(await tempFolder(), 'said');
    const names = ['{title}', 'x{id}y', '{event}/{project}/{task}', '{command}', '{url}', '{at}', '{other}', '{text}'];
    const told = await room().tell(command(process.execPath, '-e', WRITE, file, ...names), MESSAGE);
    expect(told).toEqual({ kind: 'told', said: 'exit code 0' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([
      MESSAGE.title,
      `x${MESSAGE.id}y`,
      'asks/demo/7fk2000000',
      MESSAGE.commands[0],
      MESSAGE.url,
      MESSAGE.at,
      '{other}',
      `${MESSAGE.text}\n\n${MESSAGE.commands.join('')}\n\n${MESSAGE.url ?? ''}`,
    ]);
  });

  (process.platform === 'linux' ? it : it.skip)(
    'that cannot be started since no descriptor is free is told later',
    async () => {
      const giveBack = takeAllDescriptors();
      const told = await room()
        .tell(command(process.execPath, '-e', ''), MESSAGE)
        .finally(giveBack);
      expect(told).toMatchObject({ kind: 'failed', again: true });
    },
  );

  it.each([
    '$(touch {there})',
    '`touch {there}`',
    '"; touch {there}; "',
    "'; touch {there} #",
    '{text}{id} %PATH% $HOME\n\\',
  ])('takes the title %j as words and never as a command', async (hostile) => {
    const folder = await tempFolder();
    const [file, there] = [join(folder, 'said'), join(folder, 'there')];
    const title = hostile.replace('{there}', there);
    const target = command(process.execPath, '-e', WRITE, file, '{title}');
    await expect(room().tell(target, { ...MESSAGE, title })).resolves.toMatchObject({ kind: 'told' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([title]);
    expect(existsSync(there)).toBe(false);
  });

  it.each(['--help', '-x', '@/etc/passwd', '<file'])(
    'takes the text %j as words and never as an option or a file',
    async (text) => {
      const file = join(await tempFolder(), 'said');
      const target = command(process.execPath, '-e', WRITE, file, '{text}', '--message={text}', '-v');
      await room().tell(target, { ...MESSAGE, text, commands: [], url: null });
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([` ${text}`, `--message=${text}`, '-v']);
    },
  );

  it('has the environment that it is given, and no other', async () => {
    const file = join(await tempFolder(), 'said');
    const print = 'require("node:fs").writeFileSync(process.argv[1], JSON.stringify(process.env))';
    await room(10_000, { DISPLAY: ':7' }).tell(command(process.execPath, '-e', print, file), MESSAGE);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ PATH: process.env['PATH'], DISPLAY: ':7' });
  });

  it('that fails tells its code and the last that it said, and is tried again', async () => {
    await expect(room().tell(command('sh', '-c', 'echo one >&2; echo two >&2; exit 3'), MESSAGE)).resolves.toEqual({
      kind: 'failed',
      message: 'exit code 3: two',
      again: true,
      afterMs: null,
    });
    await expect(room().tell(command('sh', '-c', 'kill -9 $$'), MESSAGE)).resolves.toMatchObject({
      message: 'was ended by SIGKILL: ',
    });
  });

  it('that is not there is not tried again', async () => {
    await expect(room().tell(command('no-such-program-anywhere', '{title}'), MESSAGE)).resolves.toMatchObject({
      kind: 'failed',
      message: 'no-such-program-anywhere is not on this machine',
      again: false,
    });
  });

  it('does not tell what its owner gave it to get in', async () => {
    const told = await room().tell(
      command('sh', '-c', 'echo "$1 is wrong" >&2; exit 1', 'sh', 'key-0123456789'),
      MESSAGE,
    );
    expect(told).toMatchObject({ kind: 'failed', message: 'exit code 1: […] is wrong' });
  });

  it('that never ends is ended in time, with what it has started', async () => {
    const file = join(await tempFolder(), 'pids');
    const told = await room(SHORT_MS).tell(
      command('sh', '-c', 'sleep 987 & echo "$$ $!" > "$1.new"; mv "$1.new" "$1"; wait', 'sh', file),
      MESSAGE,
    );
    expect(told).toMatchObject({ kind: 'failed', message: `did not answer within ${SHORT_MS} ms`, again: true });
    const pids = (await readFile(file, 'utf8')).trim().split(' ');
    expect(pids).toHaveLength(2);
    await eventually('both to be gone', () => pids.every((pid) => !isAlive(Number(pid))));
  });

  (process.getuid?.() === 0 && existsSync(SETPRIV) ? it : it.skip)(
    'that runs as another account, as by sudo, and never ends is given up in time, and ends nobody',
    async () => {
      const folder = await tempFolder();
      const [program, become] = [join(folder, 'program.mjs'), join(folder, 'become')];
      await chmod(folder, 0o755);
      await copyFile(SETPRIV, become);
      await chmod(become, 0o4755);
      const root = ['--reuid', '0', '--regid', '0', '--clear-groups'];
      await build({
        stdin: {
          contents: `import { createNotifyRoom } from './src/notify/room.ts';
            const target = { kind: 'command', command: ${JSON.stringify([become, ...root, 'sleep', '3'])} };
            const told = await createNotifyRoom({ timeoutMs: ${SHORT_MS}, environment: { PATH: '/usr/bin:/bin' } })
              .tell(target, ${JSON.stringify(MESSAGE)});
            process.stdout.write(JSON.stringify(told), () => process.exit());`,
          resolveDir: process.cwd(),
        },
        outfile: program,
        bundle: true,
        external: ['nodemailer'],
        platform: 'node',
        format: 'esm',
        logLevel: 'silent',
      });
      await chmod(program, 0o644);
      const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
      const { stdout } = await promisify(execFile)(SETPRIV, [...nobody, process.execPath, program], { cwd: '/' });
      expect(JSON.parse(stdout)).toMatchObject({ kind: 'failed', again: true });
      expect(stdout).toContain(`did not end within ${SHORT_MS} ms, and goes on: it runs as another account`);
    },
  );

  it('that leaves a process behind which holds its pipe does not hold the notice up', async () => {
    const file = join(await tempFolder(), 'pid');
    const told = await room().tell(
      command('sh', '-c', 'sleep 987 & echo $! > "$1"; echo no >&2; exit 1', 'sh', file),
      MESSAGE,
    );
    process.kill(Number(await readFile(file, 'utf8')));
    expect(told).toMatchObject({ kind: 'failed', message: 'exit code 1: no' });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
