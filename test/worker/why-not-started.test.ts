import { describe, expect, it } from '@jest/globals';
import { whyNotStarted } from '../../src/worker/why-not-started.ts';

const ASKED = { address: 'temporal.example.com:7233', namespace: 'shop' };

/** What a worker of the SDK throws where it cannot read its namespace. */
function undescribed(status: string): Error {
  return new Error(
    `Namespace shop was not found or otherwise could not be described: Status { code: ${status}, message: "no" }`,
  );
}

describe('a worker that cannot start', () => {
  it('names the server that does not answer, and the variable that names it', () => {
    const why = 'Temporal at temporal.example.com:7233 does not answer; is it running, and is TEMPORAL_ADDRESS right?';
    expect(whyNotStarted(new Error('Failed to connect before the deadline'), ASKED)).toBe(why);
    const cause = new Error('14 UNAVAILABLE: connect ECONNREFUSED 127.0.0.1:1');
    expect(whyNotStarted(new Error('no connection', { cause }), ASKED)).toBe(why);
    expect(whyNotStarted(undescribed('Unavailable'), ASKED)).toBe(why);
  });

  it('says how to make a namespace that is not there', () => {
    expect(whyNotStarted(undescribed('NotFound'), ASKED)).toBe(
      'Temporal at temporal.example.com:7233 has no namespace shop; check TEMPORAL_NAMESPACE, or make it: temporal operator namespace create -n shop',
    );
  });

  it('names the key where the server refuses it, which is not taken for a namespace that is missing', () => {
    const why =
      'Temporal at temporal.example.com:7233 refuses this worker; check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE';
    expect(whyNotStarted(undescribed('PermissionDenied'), ASKED)).toBe(why);
    expect(whyNotStarted(new Error('16 UNAUTHENTICATED: no key'), ASKED)).toBe(why);
  });

  it('says anything else as it was thrown', () => {
    expect(whyNotStarted(new Error('spool: no space left on device'), ASKED)).toBe('spool: no space left on device');
    expect(whyNotStarted('odd', ASKED)).toBe('odd');
  });
});
