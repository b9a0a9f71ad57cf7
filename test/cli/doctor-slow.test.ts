import { describe, expect, it } from '@jest/globals';
import { quicker } from '../../src/cli/doctor/servers.ts';

describe('what tasks doctor says of a slow Temporal', () => {
  it('names the settings of a server that somebody else runs', () => {
    expect(quicker(false, 5, 2)).toMatch(/^use a nearer server; .*history\.transferProcessorMaxPollRPS/);
  });

  it('names the load of the machine of one that tasks up has started', () => {
    const said = quicker(true, 5.25, 2);
    expect(said).toBe(
      'this machine is busy (load 5.3, processors: 2); have fewer agents at a time: tasks up --agents N',
    );
    expect(said).not.toContain('nearer');
  });

  it('names the disk of such a machine that has little to do', () => {
    const said = quicker(true, 0.1, 2);
    expect(said).toContain('not busy (load 0.1, processors: 2): see that its state home is on a disk that is quick');
    expect(said).not.toContain('fewer agents');
  });
});
