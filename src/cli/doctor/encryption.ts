/** Whether the keys that host.yaml names can be had, and are the owner's alone. */

import { stat } from 'node:fs/promises';
import { openCodec } from '../../codec/encryption-codec.ts';
import { resolveEncryption } from '../../config/encryption.ts';
import { readHostFile } from '../../config/host-file.ts';
import { bad, fine, warn, type Check } from '../render/checks.ts';
import type { Session } from '../session.ts';

const NAME = 'encryption';
const OTHERS = 0o077;

/** Nothing where host.yaml encrypts nothing. */
export async function checkEncryption({ environment }: Session): Promise<readonly Check[]> {
  const host = await readHostFile(environment.home);
  if (host.kind === 'invalid' || host.value.encryption === null) return [];
  const { encryption } = host.value;
  const keys = await resolveEncryption(encryption, environment.all);
  const codec = keys.kind === 'invalid' ? keys : openCodec(keys.value);
  if (codec.kind === 'invalid') return [bad(NAME, codec.message, 'mend it: without its keys no task can be read')];
  const [first = '', ...others] = encryption.keys.map(({ id }) => id);
  const read = [...(encryption.encrypts ? [] : [first]), ...others].join(', ');
  const found = `${encryption.encrypts ? `payloads are encrypted with the key ${first}` : 'payloads are not encrypted'}${
    read === '' ? '' : `; ${read} can be read`
  }`;
  for (const { from } of encryption.keys) {
    const path = from.startsWith('file:') ? from.slice('file:'.length) : null;
    if (path === null || process.platform === 'win32' || ((await stat(path)).mode & OTHERS) === 0) continue;
    return [warn(NAME, `${found}; others on this machine may read ${path}`, `chmod 600 ${path}`)];
  }
  return [fine(NAME, found)];
}
