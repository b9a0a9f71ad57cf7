import { describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificatesOf } from '../../src/config/known-certificates.ts';
import { tempFolder } from '../support/temp.ts';

describe('the certificates that programs are told to trust', () => {
  it('are named to agents, set-up and gates, and seen by them, each once', () => {
    const environment = {
      SSL_CERT_FILE: '/ca.pem',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
      PIP_CERT: '/other.pem',
      HOME: '/h',
    };
    expect(certificatesOf(environment, () => true)).toEqual({
      variables: { SSL_CERT_FILE: '/ca.pem', NODE_EXTRA_CA_CERTS: '/ca.pem', PIP_CERT: '/other.pem' },
      read: ['/ca.pem', '/other.pem'],
    });
  });

  it('are none that are no files: neither folders, nor what is not there, nor what has no whole path', async () => {
    const folder = await tempFolder('certificates');
    await mkdir(join(folder, 'folder'));
    await writeFile(join(folder, 'ca.pem'), '');
    const environment = {
      SSL_CERT_FILE: join(folder, 'folder'),
      PIP_CERT: join(folder, 'missing.pem'),
      CURL_CA_BUNDLE: 'ca.pem',
      GIT_SSL_CAINFO: '',
      DENO_CERT: join(folder, 'ca.pem'),
    };
    const { DENO_CERT } = environment;
    expect(certificatesOf(environment)).toEqual({ variables: { DENO_CERT }, read: [DENO_CERT] });
  });
});
