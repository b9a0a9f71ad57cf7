/** The examples in the help of each command: whether each has some, and whether they could be pasted as they stand. */

import type { Command } from 'commander';
import { describe, expect, it } from '@jest/globals';
import { examplesOf } from '../../src/cli/examples.ts';
import { makeProgram } from '../../src/cli/main.ts';
import { cliIo } from './rig.ts';

interface Named {
  readonly path: readonly string[];
  readonly command: Command;
}

function all(above: Command, words: readonly string[] = []): readonly Named[] {
  return above.commands.flatMap((command) => {
    const path = [...words, command.name()];
    return [{ path, command }, ...all(command, path)];
  });
}

const PROGRAM = makeProgram(cliIo({ cwd: '/', env: {} }), { code: 0 });
const COMMANDS = all(PROGRAM).map(({ path, command }) => ({ name: path.join(' '), path, command }));

/** The command that an example calls, and what follows its words. */
function called(line: string): { readonly command: Command; readonly rest: readonly string[] } {
  const [, text = ''] = /(?:^|[(|] ?)tasks ([^)|>]*)/.exec(line) ?? [];
  const words = (text.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
  let command = PROGRAM;
  for (;;) {
    const next = command.commands.find((each) => each.name() === words[0]);
    if (next === undefined) return { command, rest: words };
    command = next;
    words.shift();
  }
}

describe('the examples of a command', () => {
  it.each(COMMANDS)('are there: $name', ({ path }) => {
    expect(examplesOf(path)).not.toEqual([]);
  });

  it.each(COMMANDS)('call it, or a command below it: $name', ({ path, command }) => {
    for (const line of examplesOf(path)) {
      const { command: it } = called(line);
      expect([it, it.parent]).toContain(command);
    }
  });

  it.each(COMMANDS)('have options that there are, and as many arguments as it takes: $name', ({ path }) => {
    for (const line of examplesOf(path)) {
      const { command, rest } = called(line);
      const { operands, unknown } = command.parseOptions([...rest]);
      expect({ line, unknown }).toEqual({ line, unknown: [] });
      const { registeredArguments: taken } = command;
      expect(operands.length).toBeGreaterThanOrEqual(taken.filter(({ required }) => required).length);
      if (!taken.some(({ variadic }) => variadic)) expect(operands.length).toBeLessThanOrEqual(taken.length);
    }
  });

  it('follow all that its help says', () => {
    let help = '';
    const wait = COMMANDS.find(({ name }) => name === 'wait')?.command;
    wait?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toMatch(/-h, --help .*\n\nExamples:\n {2}\$ tasks wait 7fk2 m0q3\n {2}\$ tasks wait --all/);
  });
});
