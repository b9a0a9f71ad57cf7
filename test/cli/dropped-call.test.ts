/** A call that the other side drops, by a server that resets each stream as Temporal does when the worker is killed. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { constants, createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { parseTaskId, type TaskId } from '../../src/core/ids.ts';
import { Failed } from '../../src/cli/errors.ts';
import { isNoAnswer, openTemporal, type Temporal } from '../../src/cli/temporal.ts';
import { carryQuery } from '../../src/workflows/messages.ts';

function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => null).catch((error: unknown) => error);
}

function anId(): TaskId {
  const parsed = parseTaskId('aaaaaaaaaa');
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  return parsed.value;
}

describe('a call', () => {
  let server: Http2Server;
  let temporal: Temporal;
  let isDropping = true;
  const sessions = new Set<ServerHttp2Session>();

  beforeAll(async () => {
    server = createServer();
    server.on('session', (session) => void sessions.add(session));
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      if (isDropping) stream.close(constants.NGHTTP2_CANCEL);
      else server.emit('held');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    temporal = openTemporal(
      {
        address: `127.0.0.1:${port}`,
        namespace: 'default',
        apiKey: null,
        tls: false,
        uiUrl: null,
        from: 'environment',
      },
      null,
    );
  });

  afterAll(async () => {
    await temporal.close();
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
  });

  it('that the other side drops has no answer, and is told in words', async () => {
    isDropping = true;
    const error = await failureOf(temporal.limited(5_000, null, () => temporal.task(anId()).query(carryQuery)));
    expect(String(error instanceof Error ? error.cause : error)).toContain('CANCELLED');
    expect(isNoAnswer(error)).toBe(true);
    const told = await failureOf(temporal.within(5_000, () => temporal.task(anId()).query(carryQuery)));
    expect(told).toBeInstanceOf(Failed);
    expect(String(told)).toMatch(/dropped the call; try again/);
  });

  it('that the stack’s own server holds is not told to start it, since it runs', async () => {
    isDropping = false;
    const own = openTemporal({ ...temporal.settings, from: 'stack' }, null);
    try {
      const told = await failureOf(own.within(300, () => own.task(anId()).query(carryQuery)));
      expect(String(told)).toMatch(/did not answer in time; tasks status/);
      expect(isNoAnswer(told)).toBe(true);
    } finally {
      await own.close();
    }
  });

  it('that the person takes back does not count as one without an answer', async () => {
    isDropping = false;
    const interrupt = new AbortController();
    const held = once(server, 'held');
    const failing = failureOf(temporal.limited(5_000, interrupt.signal, () => temporal.task(anId()).query(carryQuery)));
    await held;
    interrupt.abort();
    const error = await failing;
    expect(error).toBeInstanceOf(Error);
    expect(isNoAnswer(error)).toBe(false);
  });
});
