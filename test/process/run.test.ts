import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { takeAllDescriptors } from '../support/descriptors.ts';
import { listenForFakeAgents, type FakeAgents } from '../support/fake-agent.ts';
import { onLinux } from '../support/on-linux.ts';
import { createRig, pidsWith, WAYS, type Rig } from './rig.ts';

const FOREVER = 'while :; do read -r _ < /dev/zero || :; done';

describe.each(WAYS)('a run $name', ({ bwrapPath, starter }) => {
  let rig: Rig;
  let agents: FakeAgents;
  beforeAll(async () => {
    rig = await createRig(bwrapPath, starter);
    agents = await listenForFakeAgents();
  });
  afterAll(async () => {
    await rig.room.close();
    await agents.close();
  });

  it('tells the exit code and keeps both streams in one file', async () => {
    const result = await rig.room.run(rig.request(['sh', '-c', 'echo out; echo err >&2; exit 3']));
    expect(result).toMatchObject({ kind: 'exited', code: 3, outputBytes: 8, truncated: false });
    expect((await readFile(join(rig.home, 'output'), 'utf8')).split('\n').sort()).toEqual(['', 'err', 'out']);
    expect(result.tail).toContain('out\n');
  });

  it('gives the process this environment and no other, and nothing on standard input', async () => {
    const result = await rig.room.run(
      rig.request(['/bin/sh', '-c', 'env; cat; echo end'], { env: { PATH: '/usr/bin:/bin', A: 'b' }, tag: 'k7/4' }),
    );
    const names = result.tail.split('\n').map((line) => line.split('=')[0]);
    const fromShell = new Set(['PWD', 'SHLVL', '_', 'OLDPWD']);
    expect(new Set(names.filter((name) => name !== undefined && !fromShell.has(name)))).toEqual(
      new Set(['', 'A', 'PATH', 'TASKS_TAG', 'end']),
    );
    expect(result.tail).toMatch(/TASKS_TAG=[0-9a-f]{16}\.\d+\.\d+\/k7\/4\n/);
  });

  it('lets a script open its streams by name', async () => {
    const result = await rig.room.run(rig.request(['sh', '-c', 'echo a >/dev/stderr; echo b >/dev/stdout']));
    expect(result).toMatchObject({ kind: 'exited', code: 0, outputBytes: 4 });
  });

  it('hands out whole lines of standard output alone, with invalid UTF-8 replaced', async () => {
    const lines: string[] = [];
    const script = String.raw`printf 'one\r\ntw'; printf 'o\n\377\376x\n'; echo no >&2; printf 'last'`;
    await rig.room.run(rig.request(['/bin/sh', '-c', script], { onLine: (line) => lines.push(line) }));
    expect(lines).toEqual(['one', 'two', '\ufffd\ufffdx', 'last']);
  });

  it('takes a KILL that it did not send for a signal', async () => {
    expect(await rig.room.run(rig.request(['sh', '-c', 'kill -9 $$']))).toMatchObject({
      kind: 'signaled',
      signal: 'SIGKILL',
    });
  });

  it('names a program that is not there, and starts nothing', async () => {
    const result = await rig.room.run(rig.request(['no-such-agent', 'x']));
    expect(result).toMatchObject({ kind: 'missing', outputBytes: 0 });
    expect(result.kind === 'missing' && result.message).toMatch(/"no-such-agent" is on the PATH .*install it/);
  });

  onLinux('says that no descriptor was free for its pipes', async () => {
    const giveBack = takeAllDescriptors(3);
    try {
      await expect(rig.room.run(rig.request(['sh', '-c', ':']))).rejects.toThrow('EMFILE');
    } finally {
      giveBack();
    }
  });

  it('names a file that is not executable', async () => {
    await writeFile(join(rig.home, 'agent.txt'), '#!/bin/sh\n');
    const result = await rig.room.run(rig.request(['./agent.txt']));
    expect(result.kind === 'missing' && result.message).toMatch(/"\.\/agent\.txt" is not executable; chmod \+x/);
  });

  it('names a script whose interpreter is not there', async () => {
    const file = join(rig.home, 'odd-agent');
    await writeFile(file, '#!/no/such/interpreter\n');
    await chmod(file, 0o755);
    const result = await rig.room.run(rig.request([file]));
    expect(result.kind === 'missing' && result.message).toMatch(/could not be started .*interpreter/);
  });

  it('says that the disk is full when the output cannot be written', async () => {
    const result = await rig.room.run(rig.request(['sh', '-c', `echo x; ${FOREVER}`], { outputFile: '/dev/full' }));
    expect(result.kind === 'no-space' && result.message).toMatch(/disk is full/);
  });

  it('ends what prints nothing for too long, and not what prints on either stream', async () => {
    const script = 'i=0; while [ $i -lt 8 ]; do echo $i >&2; sleep 0.2; i=$((i + 1)); done; exec sleep 60';
    const result = await rig.room.run(rig.request(['sh', '-c', script], { idleTimeoutMs: 1_200 }));
    expect(result).toMatchObject({ kind: 'idle-timeout', tail: '0\n1\n2\n3\n4\n5\n6\n7\n' });
  });

  it('lets go on what prints nothing and works, and ends it when it works no more', async () => {
    // Several: on a busy machine each of them gets little.
    const work = `'${process.execPath}' -e 'const until = Date.now() + 2500; while (Date.now() < until);'`;
    const script = `for i in 1 2 3 4; do ${work} & done; wait; exec sleep 60`;
    const result = await rig.room.run(rig.request(['sh', '-c', script], { idleTimeoutMs: 1_200 }));
    expect(result).toMatchObject({ kind: 'idle-timeout', tail: '' });
    expect(result.durationMs).toBeGreaterThanOrEqual(2_500);
  });

  it('ends what works for ever and prints nothing, by its total time-out', async () => {
    const result = await rig.room.run(
      rig.request(['sh', '-c', 'for i in 1 2; do (while :; do :; done) & done; wait'], {
        totalTimeoutMs: 2_500,
        idleTimeoutMs: 1_500,
      }),
    );
    expect(result).toMatchObject({ kind: 'total-timeout' });
  });

  it('ends what takes too long although it prints', async () => {
    const result = await rig.room.run(
      rig.request(['sh', '-c', 'while :; do echo x; done'], {
        totalTimeoutMs: 1_500,
        // Not what it is about, and not to come first where it is hardly given time to print.
        idleTimeoutMs: 60_000,
        maxOutputBytes: 1_000,
      }),
    );
    expect(result).toMatchObject({ kind: 'total-timeout', truncated: true });
  });

  it('lets a process end by itself after TERM, and still tells who asked', async () => {
    const stop = new AbortController();
    const running = rig.room.run(rig.request(agents.command, { signal: stop.signal }));
    const agent = await agents.next();
    await agent.do({ do: 'exitOnTerm', code: 0 });
    stop.abort();
    const result = await running;
    expect(result).toMatchObject({ kind: 'aborted', tail: 'ended by TERM\n' });
  });

  it('ends what ignores TERM, with its grandchildren in sessions of their own', async () => {
    const stop = new AbortController();
    const running = rig.room.run(rig.request(agents.command, { signal: stop.signal }));
    const agent = await agents.next();
    const marker = `marker-${rig.home}-ignores`;
    await agent.do({ do: 'ignoreTerm' });
    await agent.do({ do: 'grandchild', marker, detached: true, ignoreTerm: true, keepPipes: true });
    expect(pidsWith(marker)).toHaveLength(1);
    stop.abort();
    expect((await running).kind).toBe('aborted');
    expect(pidsWith(marker)).toEqual([]);
  });

  it('returns the exit of the main process and leaves no grandchild', async () => {
    const running = rig.room.run(rig.request(agents.command));
    const agent = await agents.next();
    const marker = `marker-${rig.home}-leaves`;
    await agent.do({ do: 'grandchild', marker, detached: true, keepPipes: true });
    await agent.do({ do: 'grandchild', marker });
    expect(pidsWith(marker)).toHaveLength(2);
    await agent.do({ do: 'exit', code: 5 });
    expect(await running).toMatchObject({ kind: 'exited', code: 5 });
    expect(pidsWith(marker)).toEqual([]);
  });

  it('starts nothing when it is aborted before', async () => {
    const result = await rig.room.run(
      rig.request(['sh', '-c', 'touch started'], { signal: AbortSignal.abort(), cwd: rig.home }),
    );
    expect(result).toMatchObject({ kind: 'aborted', outputBytes: 0 });
    await expect(stat(join(rig.home, 'started'))).rejects.toThrow('ENOENT');
  });

  it('ends the tree and rejects when the reader of its lines throws', async () => {
    const marker = `marker-${rig.home}-reader`;
    const running = rig.room.run(
      rig.request(['sh', '-c', `echo x; ${FOREVER}`, marker], {
        onLine: () => {
          throw new Error('the reader is broken');
        },
      }),
    );
    await expect(running).rejects.toThrow('the reader is broken');
    expect(pidsWith(marker)).toEqual([]);
  });

  it('ends the tree and rejects when what takes out secrets throws, and keeps nothing of what came', async () => {
    const marker = `marker-${rig.home}-redactor`;
    const broken = {
      get name(): string {
        throw new Error('the redactor is broken');
      },
      value: 'a-secret',
    };
    for (const stream of [1, 2]) {
      const script = `printf 'x a-secret y' >&${stream}; ${FOREVER}`;
      const running = rig.room.run(rig.request(['sh', '-c', script, marker], { secrets: [broken] }));
      await expect(running).rejects.toThrow('the redactor is broken');
      expect(pidsWith(marker)).toEqual([]);
      expect(await readFile(join(rig.home, 'output'), 'utf8')).toBe('');
    }
    expect(await rig.room.run(rig.request(['sh', '-c', 'echo on']))).toMatchObject({ kind: 'exited', tail: 'on\n' });
  });

  it('starts nothing when there is no taking out of secrets', async () => {
    const broken = {
      name: 'KEY',
      get value(): string {
        throw new Error('the secret cannot be read');
      },
    };
    const running = rig.room.run(rig.request(['sh', '-c', 'touch begun'], { secrets: [broken] }));
    await expect(running).rejects.toThrow('the secret cannot be read');
    await expect(stat(join(rig.home, 'begun'))).rejects.toThrow('ENOENT');
  });

  it('rejects for arguments that the system does not take, and goes on', async () => {
    const running = rig.room.run(rig.request(['sh', '-c', ':', 'x'.repeat(4_000_000)]));
    await expect(running).rejects.toThrow('E2BIG');
    expect(await rig.room.run(rig.request(['sh', '-c', 'echo on']))).toMatchObject({ kind: 'exited', tail: 'on\n' });
  });

  it('runs many at once without mixing them', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        rig.room.run(
          rig.request(['sh', '-c', `echo ${index}; exit ${index}`], {
            tag: `t/${index}`,
            outputFile: join(rig.home, `many-${index}`),
          }),
        ),
      ),
    );
    expect(results.map((result) => result.kind === 'exited' && `${result.code}${result.tail}`)).toEqual(
      results.map((_, index) => `${index}${index}\n`),
    );
  });
});

describe('a run whose program can close its output before it ends, which bubblewrap keeps open', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig(null);
  });
  afterAll(() => rig.room.close());

  it('shows no secret of which one stream has the first half, and the other one the second when that is closed', async () => {
    const pipe = join(rig.home, 'go');
    await promisify(execFile)('mkfifo', [pipe]);
    const script = `printf 'ab\\ncd\\n'; exec >&-; read go < '${pipe}'; printf 'ef\\ngh' >&2`;
    const result = await rig.room.run(
      rig.request(['sh', '-c', script], {
        secrets: [{ name: 'LINES', value: 'ab\ncd\nef\ngh' }],
        // It is told when all that has come of the stream is taken for no secret.
        onLine: (line) => {
          if (line === 'cd') void writeFile(pipe, 'go\n');
        },
      }),
    );
    expect(result).toMatchObject({ kind: 'exited', tail: '[secret LINES]' });
  });
});
