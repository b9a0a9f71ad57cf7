import { describe, expect, it } from '@jest/globals';
import { userInfo } from 'node:os';
import { actorName, readEnvironment } from '../../src/config/environment.ts';

describe('the environment', () => {
  it('puts the state home under the XDG state folder', () => {
    expect(readEnvironment({ HOME: '/h' }).home).toBe('/h/.local/state/tributary');
    expect(readEnvironment({ HOME: '/h', XDG_STATE_HOME: '/x' }).home).toBe('/x/tributary');
    expect(readEnvironment({ HOME: '/h', XDG_STATE_HOME: '/x', TASKS_HOME: '/t' }).home).toBe('/t');
  });

  it('passes over a relative XDG folder, as its specification says', () => {
    expect(readEnvironment({ HOME: '/h', XDG_STATE_HOME: 'x' }).home).toBe('/h/.local/state/tributary');
  });

  it('takes the account’s own home for a HOME that is empty or relative', () => {
    const kept = process.env['HOME'];
    process.env['HOME'] = '';
    try {
      for (const HOME of ['', 'x', '.']) expect(readEnvironment({ HOME }).userHome).toBe(userInfo().homedir);
    } finally {
      if (kept !== undefined) process.env['HOME'] = kept;
    }
  });

  it('makes a relative TASKS_HOME absolute', () => {
    expect(readEnvironment({ HOME: '/h', TASKS_HOME: 'x' }).home).toBe(`${process.cwd()}/x`);
  });

  it('takes the ~ of a TASKS_HOME that no shell has read for the home folder, at its beginning alone', () => {
    const homes = ['~/state', '~', '~ada/x', '/x/~/y'].map((TASKS_HOME) =>
      readEnvironment({ HOME: '/h$&', TASKS_HOME }),
    );
    expect(homes.map(({ home }) => home)).toEqual(['/h$&/state', '/h$&', `${process.cwd()}/~ada/x`, '/x/~/y']);
  });

  it('counts an empty variable as unset', () => {
    const environment = readEnvironment({
      HOME: '/h',
      TASKS_HOME: '',
      TEMPORAL_ADDRESS: '',
      DATABASE_URL: '',
      NO_COLOR: '',
      CI: '',
    });
    expect(environment).toMatchObject({
      home: '/h/.local/state/tributary',
      temporalAddress: null,
      databaseUrl: null,
      color: null,
      ci: false,
      all: { HOME: '/h' },
    });
    expect(Object.keys(environment.all)).toEqual(['HOME']);
  });

  it.each([
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{}, null],
  ])('reads colours from %j', (env, color) => {
    expect(readEnvironment(env).color).toBe(color);
  });

  it('takes VISUAL before EDITOR', () => {
    expect(readEnvironment({ VISUAL: 'a', EDITOR: 'b' }).editor).toBe('a');
    expect(readEnvironment({ EDITOR: 'b' }).editor).toBe('b');
  });

  it('names who acts by TASKS_ACTOR, then git, then the machine', () => {
    const environment = readEnvironment({ TASKS_ACTOR: 'robot', USER: 'ada' });
    expect(actorName(environment, 'Ada')).toBe('robot');
    expect(actorName(readEnvironment({ USER: 'ada' }), 'Ada')).toBe('Ada');
    expect(actorName(readEnvironment({ USER: 'ada' }), null)).toBe('ada');
    expect(actorName(readEnvironment({ USER: 'ada' }), ' ')).toBe('ada');
    expect(actorName(readEnvironment({}), null)).toBe(userInfo().username);
  });
});
