import { describe, expect, it } from '@jest/globals';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { toolchainsOf } from '../../src/config/known-toolchains.ts';
import { tempFolder } from '../support/temp.ts';

const NOBODY = 65_534;
/** As an account that may not enter every folder. */
const asNobody = <T>(work: () => T): T => {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
};

const folders = (...paths: string[]) => {
  const there = new Set(paths);
  return (path: string): boolean => there.has(path);
};

describe('the toolchains that a person has in the home', () => {
  it('are named to processes with another home when their programs are in the PATH', () => {
    const environment = { HOME: '/home/ada', PATH: '/usr/bin:/home/ada/.cargo/bin/:/home/ada/.pyenv/shims' };
    expect(toolchainsOf(environment, folders('/home/ada/.rustup', '/home/ada/.pyenv', '/home/ada/.volta'))).toEqual({
      variables: { RUSTUP_HOME: '/home/ada/.rustup', PYENV_ROOT: '/home/ada/.pyenv' },
      read: ['/home/ada/.rustup', '/home/ada/.pyenv'],
    });
  });

  it('lie where their variable says, when it is set', () => {
    const environment = { HOME: '/home/ada', PATH: '/usr/bin', RUSTUP_HOME: '/opt/rustup', VOLTA_HOME: 'volta' };
    expect(toolchainsOf(environment, () => true)).toEqual({
      variables: { RUSTUP_HOME: '/opt/rustup' },
      read: ['/opt/rustup'],
    });
  });

  it('are none where there is no such folder, or no home', () => {
    const path = '/home/ada/.cargo/bin';
    const none = { variables: {}, read: [] };
    expect(toolchainsOf({ HOME: '/home/ada', PATH: path }, () => false)).toEqual(none);
    expect(toolchainsOf({ PATH: path }, () => true)).toEqual(none);
    expect(toolchainsOf({ HOME: '/home/ada' }, () => true)).toEqual(none);
  });

  it('are none where this account may not look', async () => {
    const closed = await tempFolder('closed');
    const variables = ['RUSTUP_HOME', 'PYENV_ROOT', 'RBENV_ROOT', 'VOLTA_HOME', 'ASDF_DATA_DIR', 'MISE_DATA_DIR'];
    for (const name of variables) await mkdir(join(closed, name));
    const given = Object.fromEntries(variables.map((name) => [name, join(closed, name)]));
    const environment = { HOME: '/home/ada', PATH: '/usr/bin', ...given };
    expect(toolchainsOf(environment).variables).toEqual(given);
    await chmod(closed, 0o000);
    expect(asNobody(() => toolchainsOf(environment))).toEqual({ variables: {}, read: [] });
    await chmod(closed, 0o700);
  });

  it('are none where this account may not look into their folder', async () => {
    const folder = await tempFolder('closed');
    await chmod(folder, 0o600);
    const environment = { HOME: '/home/ada', PATH: '/usr/bin', PYENV_ROOT: folder };
    expect(asNobody(() => toolchainsOf(environment))).toEqual({ variables: {}, read: [] });
    await chmod(folder, 0o700);
  });
});
