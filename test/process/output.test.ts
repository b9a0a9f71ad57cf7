import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { MAX_LINE_BYTES } from '../../src/process/lines.ts';
import { eventually } from '../support/eventually.ts';
import { listenForFakeAgents } from '../support/fake-agent.ts';
import { createRig, type Rig } from './rig.ts';

const MEGABYTE = 1024 * 1024;

describe('the output of a run', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig(undefined);
  });

  it('keeps head and tail of what is longer than the cap, and says how much is cut', async () => {
    const script = 'printf "HEAD"; head -c 5000 /dev/zero | tr "\\0" m; printf "TAIL"';
    const result = await rig.room.run(rig.request(['sh', '-c', script], { maxOutputBytes: 1_000 }));
    const kept = await readFile(join(rig.home, 'output'), 'utf8');
    expect(result).toMatchObject({ kind: 'exited', code: 0, outputBytes: 5_008, truncated: true });
    expect(kept).toBe(`HEAD${'m'.repeat(496)}\n[… 4008 bytes cut …]\n${'m'.repeat(496)}TAIL`);
    expect(result.tail).toBe(kept);
  });

  it('keeps everything of what is as long as the cap', async () => {
    const result = await rig.room.run(
      rig.request(['sh', '-c', 'head -c 1000 /dev/zero | tr "\\0" m'], { maxOutputBytes: 1_000 }),
    );
    expect(result).toMatchObject({ outputBytes: 1_000, truncated: false, tail: 'm'.repeat(1_000) });
  });

  it('can be read while the process runs', async () => {
    const agents = await listenForFakeAgents();
    const stop = new AbortController();
    const running = rig.room.run(rig.request(agents.command, { signal: stop.signal }));
    const agent = await agents.next();
    await agent.do({ do: 'print', text: 'working\n' });
    await eventually('the output file to have the line', async () =>
      (await readFile(join(rig.home, 'output'), 'utf8')).includes('working\n'),
    );
    stop.abort();
    await running;
    await agents.close();
  });

  it('gives a tail that prints safely, whatever the bytes', async () => {
    const script = String.raw`printf '\033[31mred\033[0m \377 \342\200\256x\n'`;
    const result = await rig.room.run(rig.request(['/bin/sh', '-c', script]));
    expect(result.tail).toBe('red \ufffd x\n');
  });

  it('cuts the tail at a whole character', async () => {
    const many = 'head -c 20000 /dev/zero | sed "s/\\x00/é/g"';
    // The second one is cut in the middle of a character.
    for (const script of [many, `${many}; printf x`]) {
      const result = await rig.room.run(rig.request(['sh', '-c', script]));
      expect(result.tail).toMatch(/^é+x?$/);
    }
  });

  it.each([
    ['200 MB without a newline', 'head -c 200000000 /dev/zero'],
    ['200 MB of lines', 'yes 0123456789012345678901234567890123456789 | head -c 200000000'],
  ])(
    'keeps memory flat for %s',
    async (_name, script) => {
      const before = process.memoryUsage().rss;
      let peak = before;
      let longest = 0;
      let seen = 0;
      const result = await rig.room.run(
        rig.request(['sh', '-c', script], {
          maxOutputBytes: 4 * MEGABYTE,
          // On a busy machine they take their time.
          totalTimeoutMs: 280_000,
          onLine: (line) => {
            longest = Math.max(longest, line.length);
            if (seen % 50_000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
            seen += 1;
          },
        }),
      );
      peak = Math.max(peak, process.memoryUsage.rss());
      expect(result).toMatchObject({ kind: 'exited', code: 0, outputBytes: 200_000_000, truncated: true });
      expect(longest).toBeLessThanOrEqual(MAX_LINE_BYTES);
      expect((await stat(join(rig.home, 'output'))).size).toBeLessThan(4 * MEGABYTE + 100);
      expect((peak - before) / MEGABYTE).toBeLessThan(100);
    },
    300_000,
  );
});
