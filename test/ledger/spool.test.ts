import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openSpool, type Spool } from '../../src/ledger/spool.ts';
import { LedgerUnavailable, type LogChunk } from '../../src/ledger/types.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { migratedLedger, project, taskId } from './rig.ts';

let ledger: Ledger;
const spools: Spool[] = [];

beforeAll(async () => {
  ({ ledger } = await migratedLedger());
});

afterEach(async () => {
  for (const spool of spools.splice(0)) await spool.drain(5_000);
});

async function newSpool(folder: string, to: Parameters<typeof openSpool>[0]['ledger'] = ledger): Promise<Spool> {
  const spool = await openSpool({ folder, ledger: to, intervalMs: 10 });
  spools.push(spool);
  return spool;
}

const chunks = (id: TaskId): Promise<readonly LogChunk[]> => ledger.readLogs(id, null, 10_000);
const text = async (id: TaskId): Promise<string> => (await chunks(id)).map((chunk) => chunk.text).join('');

/** Names of the files that the spool has, in whichever of its folders. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('the spool', () => {
  it('ships a log while it grows, each byte once, and deletes it when it was finished', async () => {
    const folder = await tempFolder('spool');
    const spool = await newSpool(folder);
    const id = taskId('a');
    const file = await spool.logFile(id, 1, 'agent');
    await writeFile(file, 'one\n');
    await eventually('the first line', async () => (await text(id)) === 'one\n');
    await appendFile(file, 'two\n');
    await eventually('the second line', async () => (await text(id)) === 'one\ntwo\n');
    expect(await filesOf(folder)).not.toEqual([]);
    await spool.finish(id, 1, 'agent');
    await eventually('the file to go', async () => (await filesOf(folder)).length === 0);
    expect((await chunks(id)).map(({ offset }) => offset)).toEqual([0, 4]);
  });

  it('tears no character, neither at the end of a growing file nor between chunks', async () => {
    const folder = await tempFolder('spool');
    const spool = await newSpool(folder);
    const id = taskId('b');
    const file = await spool.logFile(id, 1, 'agent');
    const euro = Buffer.from('€');
    await writeFile(file, Buffer.concat([Buffer.from('x'), euro.subarray(0, 2)]));
    await eventually('the x', async () => (await text(id)) === 'x');
    const whole = `€${'€'.repeat(100_000)}`;
    await appendFile(file, Buffer.concat([euro.subarray(2), Buffer.from('€'.repeat(100_000))]));
    await spool.finish(id, 1, 'agent');
    expect(await spool.flush(id)).toBe('shipped');
    expect(await text(id)).toBe(`x${whole}`);
    const sizes = (await chunks(id)).map((chunk) => Buffer.byteLength(chunk.text));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
    expect(sizes.length).toBeGreaterThan(4);
  });

  it('ships bytes that are no text with replacement characters and goes on', async () => {
    const spool = await newSpool(await tempFolder('spool'));
    const id = taskId('c');
    await writeFile(await spool.logFile(id, 1, 'agent'), Buffer.from([0x61, 0xff, 0x00, 0xc3, 0x62, 0xe2, 0x82]));
    await spool.finish(id, 1, 'agent');
    expect(await spool.flush(id)).toBe('shipped');
    expect(await text(id)).toBe('a\ufffd\ufffdb\ufffd');
  });

  it('ships the others while a log cannot be read, as on a full disk, and that one when it can be', async () => {
    const folder = await tempFolder('spool');
    const spool = await newSpool(folder);
    const [unread, other] = [taskId('unread'), taskId('other')];
    const file = await spool.logFile(unread, 1, 'agent');
    await mkdir(file);
    await writeFile(await spool.logFile(other, 1, 'agent'), 'here\n');
    await spool.finish(other, 1, 'agent');
    await eventually('the other log', async () => (await text(other)) === 'here\n');
    await rm(file, { recursive: true });
    await writeFile(file, 'late\n');
    await eventually('the first log', async () => (await text(unread)) === 'late\n');
  });

  it('keeps the logs of two runs of one stream apart', async () => {
    const spool = await newSpool(await tempFolder('spool'));
    const id = taskId('d');
    for (const output of ['first run', 'second run']) {
      await writeFile(await spool.logFile(id, 1, 'gate:npm test'), output);
      await spool.finish(id, 1, 'gate:npm test');
    }
    await spool.flush(id);
    expect((await chunks(id)).map(({ stream, text }) => [stream, text])).toEqual([
      ['gate:npm test', 'first run'],
      ['gate:npm test', 'second run'],
    ]);
  });

  it('keeps everything while the ledger is away, and ships it once when it is back', async () => {
    const folder = await tempFolder('spool');
    let away = true;
    let asked = 0;
    const spool = await newSpool(folder, {
      ...ledger,
      async appendLogs(chunks) {
        asked += 1;
        // The worst way to fail: the rows are there, the answer is lost.
        await ledger.appendLogs(chunks);
        if (away) throw new LedgerUnavailable('away');
      },
    });
    const id = taskId('e');
    const file = await spool.logFile(id, 1, 'agent');
    await writeFile(file, 'one\n');
    await eventually('a first failure', () => asked > 0);
    expect(await spool.flush(id)).toBe('kept');
    await appendFile(file, 'two\n');
    await spool.finish(id, 1, 'agent');
    away = false;
    await eventually('the file to go', async () => (await filesOf(folder)).length === 0);
    expect(await text(id)).toBe('one\ntwo\n');
  });

  it('goes on where the last worker of the home stopped', async () => {
    const folder = await tempFolder('spool');
    const id = taskId('f');
    let away = false;
    const first = await newSpool(folder, {
      ...ledger,
      async appendLogs(chunks) {
        if (away) throw new LedgerUnavailable('away');
        await ledger.appendLogs(chunks);
      },
    });
    const file = await first.logFile(id, 1, 'agent');
    await writeFile(file, 'one\n');
    expect(await first.flush(id)).toBe('shipped');
    away = true;
    await appendFile(file, 'two\n');
    expect(await first.drain(5_000)).toBe('kept');
    expect(await filesOf(folder)).toHaveLength(2);
    const second = await newSpool(folder);
    await second.drain(5_000);
    expect(await text(id)).toBe('one\ntwo\n');
    expect(await filesOf(folder)).toEqual([]);
  });

  it('takes over from a worker that was killed, and from nobody who lives', async () => {
    const folder = await tempFolder('spool');
    const [dead, living] = [taskId('g'), taskId('h')];
    const other = await newSpool(folder);
    await writeFile(await other.logFile(living, 1, 'agent'), 'mine');
    const killed = spawn('sleep', ['60'], { stdio: 'ignore' });
    const exit = once(killed, 'exit');
    killed.kill('SIGKILL');
    await exit;
    const left = join(folder, `${killed.pid ?? 0}-1-00000000`);
    await mkdir(left);
    await writeFile(join(left, `${dead}.1.1700000000000.agent.log`), 'sent, sending, unsent');
    await writeFile(join(left, `${dead}.1.1700000000000.agent.log.sent`), '{"sent":4,"sending":13}');
    await ledger.appendLogs(
      ['sent', ', sending'].map((part, index) => ({
        taskId: dead,
        attempt: 1,
        stream: 'agent',
        run: 1_700_000_000_000,
        offset: index * 4,
        text: part,
        at: new Date().toISOString(),
      })),
    );
    const next = await newSpool(folder);
    expect(await next.flush(dead)).toBe('shipped');
    expect(await text(dead)).toBe('sent, sending, unsent');
    const logs = (await filesOf(folder)).filter((name) => name.endsWith('.log'));
    expect(logs).toEqual([expect.stringMatching(/^h0{9}\.1\.\d+\.agent\.log$/)]);
  });

  it('does not take a process for the owner that only has its id', async () => {
    const folder = await tempFolder('spool');
    const id = taskId('j');
    const first = await openSpool({ folder, ledger, intervalMs: 60_000 });
    await writeFile(await first.logFile(id, 1, 'agent'), 'left');
    const [name = ''] = await readdir(folder);
    await rename(join(folder, name), join(folder, `${process.pid}-1-00000000`));
    const next = await newSpool(folder);
    expect(await next.flush(id)).toBe('shipped');
    expect(await text(id)).toBe('left');
  });

  it('keeps the documents and outputs of an attempt, and follows no link', async () => {
    const folder = await tempFolder('spool');
    const task = await tempFolder('task');
    const secret = join(await tempFolder('secret'), 'key');
    await writeFile(secret, 'secret');
    await mkdir(join(task, 'outputs', 'deep'), { recursive: true });
    await writeFile(join(task, 'plan.md'), 'the plan');
    await writeFile(join(task, 'outputs', 'deep', 'big.txt'), 'é'.repeat(200_000));
    const tooDeep = join(task, 'outputs', 'a', 'b', 'c', 'd');
    await mkdir(tooDeep, { recursive: true });
    await writeFile(join(tooDeep, 'file'), 'too deep');
    await writeFile(join(tooDeep, '..', 'file'), 'deep enough');
    await symlink(secret, join(task, 'result.md'));
    await symlink(secret, join(task, 'outputs', 'link'));
    const spool = await newSpool(folder);
    const id = taskId('k');
    await spool.addArtifacts(id, 2, task);
    expect(await spool.flush(id)).toBe('shipped');
    const artifacts = await ledger.readArtifacts(id);
    expect(artifacts.map(({ attempt, name, bytes }) => [attempt, name, bytes])).toEqual([
      [2, 'outputs/a/b/c/file', 11],
      [2, 'outputs/deep/big.txt', 400_000],
      [2, 'plan.md', 8],
    ]);
    expect(artifacts[1]?.content).toBe('é'.repeat(131_072));
    expect(JSON.stringify(artifacts)).not.toContain('secret');
    expect(await filesOf(folder)).toEqual([]);
  });

  it('ships a verdict that the ledger could not take', async () => {
    const spool = await newSpool(await tempFolder('spool'));
    const id = taskId('m');
    await spool.addVerdict({ tree: 't', gateHash: 'g', kind: 'green', project, taskId: id, text: '', durationMs: 5 });
    expect(await spool.flush(id)).toBe('shipped');
    expect(await ledger.isGreen('t', 'g')).toBe(true);
  });

  it('puts aside what the ledger refuses, so that it holds up nothing else, and says why', async () => {
    const folder = await tempFolder('spool');
    const said: unknown[] = [];
    const spool = await openSpool({
      folder,
      ledger,
      intervalMs: 10,
      log: (message, facts) => said.push(message, facts),
    });
    spools.push(spool);
    const id = taskId('q');
    const verdict = { tree: 'q', gateHash: 'g', project, taskId: id, text: '', durationMs: 5 };
    await spool.addVerdict({ ...verdict, kind: 'blue' as 'red' });
    await spool.addVerdict({ ...verdict, kind: 'green' });
    expect(await spool.flush(id)).toBe('shipped');
    expect(await ledger.isGreen('q', 'g')).toBe(true);
    expect(await filesOf(folder)).toEqual([expect.stringMatching(/\.rows\.refused$/)]);
    const reason = expect.stringContaining('violates check constraint');
    expect(said).toEqual(['the ledger refused rows', { path: expect.any(String), reason }]);
  });

  it('tells the ledger at once what it cannot keep, as on a full disk', async () => {
    const folder = await tempFolder('spool');
    const spool = await newSpool(folder);
    const [own = ''] = await readdir(folder);
    await rm(join(folder, own), { recursive: true });
    const id = taskId('p');
    await spool.addText(id, 1, 'plan.md', 'one file');
    await mkdir(join(folder, own));
    expect(await ledger.readArtifacts(id)).toMatchObject([{ name: 'plan.md', content: 'one file' }]);
  });

  it('ships when an attempt began, also before anything else of the task is on record', async () => {
    const folder = await tempFolder('spool');
    const id = taskId('n');
    const startedAt = '2026-01-02T03:04:05.000Z';
    const away = await newSpool(folder, {
      ...ledger,
      beginAttempt: () => Promise.reject(new LedgerUnavailable('away')),
    });
    await away.addBegun({ taskId: id, attempt: 3, host: 'build-7', startedAt });
    expect(await away.flush(id)).toBe('kept');
    await away.drain(0);
    const spool = await newSpool(folder);
    expect(await spool.flush(id)).toBe('shipped');
    expect(await ledger.readAttempts(id)).toMatchObject([{ attempt: 3, host: 'build-7', startedAt }]);
  });
});
