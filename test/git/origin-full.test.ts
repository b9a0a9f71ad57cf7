import { describe, expect, it } from '@jest/globals';
import type { PushResult } from '../../src/git/origin.ts';
import { whyUnwritten } from '../../src/git/origin-full.ts';

const REF = 'refs/heads/main';

function refused(reason: string, words: string): PushResult {
  return { ok: false, refs: new Map([[REF, { kind: 'refused', reason }]]), words };
}

describe('an origin that could not write', () => {
  it('is told from one that refuses, by what git says of objects, folders and refs', () => {
    const words = 'fatal: unable to write loose object file: No space left on device';
    expect(whyUnwritten(refused('unpacker error', words))).toBe(`${words}; unpacker error`);
    const lock = "error: cannot update ref 'refs/heads/main': couldn't write '/o.git/./refs/heads/main.lock'";
    expect(whyUnwritten(refused('atomic transaction failed', lock))).not.toBeNull();
    expect(whyUnwritten(refused('unable to create temporary object directory', ''))).not.toBeNull();
  });

  it('is none that lets nobody in, objects to an object, or is in use', () => {
    const rights = 'error: insufficient permission for adding an object; fatal: failed to write object';
    expect(whyUnwritten(refused('unpacker error', rights))).toBeNull();
    expect(whyUnwritten(refused('unpacker error', 'fatal: fsck error in packed object'))).toBeNull();
    expect(whyUnwritten(refused('pre-receive hook declined', 'no'))).toBeNull();
    expect(
      whyUnwritten(refused("cannot lock ref 'refs/heads/main'", 'Unable to create main.lock: File exists')),
    ).toBeNull();
  });
});
