import { describe, expect, it } from '@jest/globals';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findAgentProgram } from '../../src/cli/agent-program.ts';
import type { AgentDefinition } from '../../src/core/project.ts';
import { tempFolder } from '../support/temp.ts';

const mine: AgentDefinition = { kind: 'command', command: ['mine', '{prompt_file}'], phases: ['execute'] };

async function program(name: string): Promise<string> {
  const folder = await tempFolder('bin');
  await writeFile(join(folder, name), '#!/bin/sh\n');
  await chmod(join(folder, name), 0o755);
  return folder;
}

describe("an agent's program", () => {
  it('is found on the PATH', async () => {
    const folder = await program('mine');
    const found = await findAgentProgram(mine, { home: await tempFolder(), path: `/nowhere:${folder}` });
    expect(found.path).toBe(join(folder, 'mine'));
  });

  it('is found where host.yaml says', async () => {
    const folder = await program('other');
    const home = await tempFolder();
    await writeFile(join(home, 'host.yaml'), `programs:\n  mine: ${join(folder, 'other')}\n`);
    expect((await findAgentProgram(mine, { home, path: '/nowhere' })).path).toBe(join(folder, 'other'));
  });

  it('is missing when it is nowhere, with the fix', async () => {
    const found = await findAgentProgram(
      { kind: 'claude', model: null, args: [] },
      { home: await tempFolder(), path: '' },
    );
    expect(found).toMatchObject({ program: 'claude', path: null, fix: expect.stringContaining('host.yaml') });
  });

  it('may be of the repository when its path is relative', async () => {
    const definition: AgentDefinition = { ...mine, command: ['./agents/mine'] };
    expect((await findAgentProgram(definition, { home: await tempFolder(), path: '' })).path).toBe('./agents/mine');
  });
});
