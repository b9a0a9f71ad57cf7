/** What is said of hosts that a process was refused. */

import { describe, expect, it } from '@jest/globals';
import { letThrough, refusedTo, type Refused } from '../../src/activities/refused.ts';
import type { ProcessRoom, RefusedHost, Sandbox } from '../../src/process/types.ts';

function refusedOf(hosts: readonly string[], refused: readonly RefusedHost[]): Refused {
  const process = { refused: () => refused } as unknown as ProcessRoom;
  const sandbox = { network: { hosts } } as unknown as Sandbox;
  return refusedTo({ process }, sandbox, { sinceMs: 0, secrets: [] });
}

const refusal = (lacks: string | null): RefusedHost => ({ told: 'somewhere:443: why', lacks });

describe('the way to let through what was refused', () => {
  it('names the hosts that were refused, beside those of the list', () => {
    const refused = refusedOf(['api.example.com'], [refusal('crates.example'), refusal('crates.example')]);
    expect(letThrough('network: {setup: HOSTS}', refused)).toBe(
      'let it reach what was refused, by network: {setup: [api.example.com, crates.example]} in tasks.yaml; commit, and retry',
    );
  });

  it('keeps every public host where the list is not one of hosts', () => {
    expect(letThrough('network: {setup: HOSTS}', refusedOf(['*'], [refusal('10.1.2.3')]))).toContain(
      'network: {setup: ["*", 10.1.2.3]} in tasks.yaml ("*" is every public host)',
    );
  });

  it('quotes what YAML would take for something else', () => {
    expect(letThrough('network: {setup: HOSTS}', refusedOf(['*.example.com'], [refusal('fd00::1')]))).toContain(
      '["*.example.com", "[fd00::1]"]',
    );
  });

  it('is none where naming the host would not help, as when it was not found', () => {
    expect(letThrough('network: {setup: HOSTS}', refusedOf(['*'], [refusal(null)]))).toBeNull();
  });
});
