import { describe, expect, it } from '@jest/globals';
import { metLimit } from '../../src/core/met-limit.ts';

const PROCESSES = 'its account may have no more processes and threads';
const FILES = 'it may open no more files';
const SIZE = 'its files may not grow as large as it needs';
const MEMORY = 'it got no memory';

describe('the limit that a program has met', () => {
  it.each([
    ['LOG:  could not fork "checkpointer" process: Resource temporarily unavailable', PROCESSES],
    ['runtime: failed to create new OS thread (have 3 already; errno=11)', PROCESSES],
    ['runtime: may need to increase max user processes (ulimit -u)', PROCESSES],
    ['Assertion failed: (0) == (uv_thread_create(t.get(), start_thread, this))', PROCESSES],
    ['pthread_create: Resource temporarily unavailable', PROCESSES],
    ['spawn /usr/bin/node EAGAIN', PROCESSES],
    ['spawn EAGAIN', PROCESSES],
    ['sh: 1: Cannot fork', PROCESSES],
    ['accept4: too many open files', FILES],
    ['FATAL:  insufficient file descriptors available to start server process', FILES],
    ["EMFILE: too many open files, open '/a'", FILES],
    ['FATAL:  could not write to file "pg_wal/xlogtemp.1": File too large', SIZE],
    ['SIGXFSZ', SIZE],
    ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', MEMORY],
    ['fatal error: failed to reserve page summary memory', MEMORY],
    ['error executing statement "CREATE TABLE a": disk I/O error (778)', 'its database could not be read or written'],
  ])('is told from "%s"', (said, what) => {
    expect(metLimit(`before\n${said}\nafter`)?.what).toBe(what);
  });

  it('comes with the fix, which names the command that shows it', () => {
    expect(metLimit('EMFILE')).toEqual({ what: FILES, next: 'raise that limit (ulimit -n; 1024 will do)' });
  });

  it('is none where nothing was said of one, as where a connection was reset or a try may come again', () => {
    expect(metLimit('')).toBeNull();
    expect(metLimit('exit code 1\nconnection reset\nread: Resource temporarily unavailable')).toBeNull();
  });
});
