import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readReportFile } from '../../src/activities/report-file.ts';
import { MAX_REPORT_BYTES } from '../../src/agents/report.ts';
import { tempFolder } from '../support/temp.ts';

const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
const reportFile = async (): Promise<string> => join(await tempFolder('report'), 'report.json');

describe('a report file', () => {
  it('is read as text', async () => {
    const path = await reportFile();
    await writeFile(path, '{"status":"done"}\n');
    expect(await readReportFile(path)).toEqual({ kind: 'text', text: '{"status":"done"}\n' });
  });

  it('that is no UTF-8 is read with replacement characters', async () => {
    const path = await reportFile();
    await writeFile(path, Buffer.from([0x7b, 0xff, 0x7d]));
    expect(await readReportFile(path)).toEqual({ kind: 'text', text: '{\ufffd}' });
  });

  it('that is not there is missing, and so is one whose folder is gone', async () => {
    const path = await reportFile();
    expect(await readReportFile(path)).toEqual({ kind: 'missing' });
    expect(await readReportFile(join(path, 'deeper'))).toEqual({ kind: 'missing' });
  });

  it('whose folder has become a file is unreadable', async () => {
    const path = await reportFile();
    await writeFile(path, '');
    expect(await readReportFile(join(path, 'report.json'))).toMatchObject({
      kind: 'unreadable',
      reason: expect.stringContaining('ENOTDIR'),
    });
  });

  it('that leads elsewhere is not followed', async () => {
    const path = await reportFile();
    await writeFile(`${path}.real`, '{"status":"done","summary":"linked"}');
    await symlink(`${path}.real`, path);
    expect(await readReportFile(path)).toEqual({ kind: 'unreadable', reason: 'it is a symbolic link' });
  });

  it('that is a FIFO, with a writer or without, a folder or a device is refused at once', async () => {
    const path = await reportFile();
    await promisify(execFile)('mkfifo', [path]);
    const irregular = { kind: 'unreadable', reason: 'it is not a regular file' };
    expect(await readReportFile(path)).toEqual(irregular);
    await mkdir(`${path}.folder`);
    expect(await readReportFile(`${path}.folder`)).toEqual(irregular);
    expect(await readReportFile('/dev/zero')).toEqual(irregular);
  });

  it('that is a socket is unreadable', async () => {
    const path = await reportFile();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(await readReportFile(path)).toMatchObject({ kind: 'unreadable' });
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it('over the limit is not read, whatever its size', async () => {
    const path = await reportFile();
    await writeFile(path, 'x'.repeat(MAX_REPORT_BYTES));
    expect(await readReportFile(path)).toMatchObject({ kind: 'text' });
    await truncate(path, 100 * 1024 ** 3);
    const size = 100 * 1024 ** 3;
    expect(await readReportFile(path)).toEqual({
      kind: 'unreadable',
      reason: `it has ${size} bytes, the limit is ${MAX_REPORT_BYTES}`,
    });
  });

  it('leaves no descriptor open', async () => {
    const path = await reportFile();
    await writeFile(path, 'x');
    await symlink(path, `${path}.link`);
    await readReportFile(path);
    const before = await openFiles();
    for (let count = 0; count < 20; count += 1) {
      for (const name of [path, `${path}.link`, '/dev/zero', '/tmp']) await readReportFile(name);
    }
    expect(await openFiles()).toBeLessThan(before + 10);
  });
});
