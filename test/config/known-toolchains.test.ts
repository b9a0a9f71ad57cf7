import { describe, expect, it } from '@jest/globals';
import { toolchainsOf } from '../../src/config/known-toolchains.ts';

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
});
