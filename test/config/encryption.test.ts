import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEncryptionKeys } from '../../src/config/encryption-keys.ts';
import { tempFolder } from '../support/temp.ts';

const homeWith = async (text: string | null): Promise<string> => {
  const home = await tempFolder('state');
  if (text !== null) await writeFile(join(home, 'host.yaml'), text);
  return home;
};

describe('the keys of host.yaml', () => {
  it.each([null, '', 'agents: 3\n', '# encryption is off\nagents: 3\n'])('are none where it has %j', async (text) => {
    expect(await readEncryptionKeys({ home: await homeWith(text), all: {} })).toEqual({
      kind: 'ok',
      value: { encrypts: false, keys: [] },
    });
  });

  it('are looked up where they are said to be, in their order', async () => {
    const file = join(await tempFolder('key'), 'key');
    await writeFile(file, 'of the file\n');
    const home = await homeWith(
      `encryption: {keys: [{id: c, from: "command:echo of $WHAT"}, {id: a, from: "env:A"}, {id: b, from: "file:${file}"}]}`,
    );
    const all = { A: 'of the environment', WHAT: 'the command', PATH: '/usr/bin:/bin' };
    expect(await readEncryptionKeys({ home, all })).toEqual({
      kind: 'ok',
      value: {
        encrypts: true,
        keys: [
          { id: 'c', text: 'of the command' },
          { id: 'a', text: 'of the environment' },
          { id: 'b', text: 'of the file' },
        ],
      },
    });
  });

  it.each([
    [
      'env:NONE',
      /^host\.yaml: encryption\.keys: the key one: there is no environment variable NONE; start it with one$/,
    ],
    ['file:/no/such/key', /the key one: \/no\/such\/key cannot be read \(ENOENT\)/],
    ['command:echo aubergine; exit 1', /the key one: its command failed; run it by hand/],
  ])('that cannot be had by %s are named, and nothing of them said', async (from, message) => {
    const home = await homeWith(`encryption: {keys: [{id: one, from: "${from}"}]}`);
    const keys = await readEncryptionKeys({ home, all: { PATH: '/usr/bin:/bin' } });
    expect(keys).toEqual({ kind: 'invalid', message: expect.stringMatching(message) });
    expect(JSON.stringify(keys)).not.toContain('aubergine');
  });

  it('are not taken for none when the file is wrong, or is none', async () => {
    const wrong = await homeWith('encryption: {keys: 3}');
    expect(await readEncryptionKeys({ home: wrong, all: {} })).toMatchObject({ kind: 'invalid' });
    const folder = await tempFolder('state');
    await mkdir(join(folder, 'host.yaml'));
    expect(await readEncryptionKeys({ home: folder, all: {} })).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('EISDIR'),
    });
  });
});
