/** Which refusals are about the branch, and which about one commit: the words are those of the servers. */

import { describe, expect, it } from '@jest/globals';
import { isProtected } from '../../src/git/refusal.ts';

const OF_THE_BRANCH = {
  GitHub: ['protected branch hook declined', 'error: GH006: Protected branch update failed for refs/heads/main.'],
  "GitHub's rules": [
    'push declined due to repository rule violations',
    'error: GH013: Repository rule violations found for refs/heads/main.; - Changes must be made through a pull request.',
  ],
  GitLab: [
    'pre-receive hook declined',
    'GitLab: You are not allowed to push code to protected branches on this project.',
  ],
  Gerrit: ['prohibited by Gerrit: not permitted: update', ''],
  'Azure DevOps': [
    'TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.',
    '',
  ],
  'a hook of the repository': ['hook declined', 'main is closed until Monday'],
} as const;

const OF_THE_COMMIT = {
  'a large file': ['pre-receive hook declined', 'error: GH001: Large files detected.; File big.bin is 120.00 MB'],
  'a secret': [
    'push declined due to repository rule violations',
    'GITHUB PUSH PROTECTION; - Push cannot contain secrets',
  ],
  'a message': ['pre-receive hook declined', "GitLab: Commit message does not follow the pattern '^[A-Z]'"],
  'a ref that is hidden': ['deny updating a hidden ref', ''],
} as const;

describe('a refusal', () => {
  it.each(Object.entries(OF_THE_BRANCH))('by %s is about the branch', (_name, [reason, words]) => {
    expect(isProtected(reason, words)).toBe(true);
  });

  it.each(Object.entries(OF_THE_COMMIT))('of %s is about the commit', (_name, [reason, words]) => {
    expect(isProtected(reason, words)).toBe(false);
  });
});
