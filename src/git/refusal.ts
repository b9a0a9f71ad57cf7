/** What an origin's refusal to move a branch means: that nobody may push there, or that this one commit may not come. */

/** Of GitHub, GitLab, Bitbucket, Gitea, Gerrit and Azure DevOps; and what any server's own hook is called in git's words. */
const OF_THE_BRANCH =
  /protected branch|hook declined|repository rule violations|prohibited by gerrit|not allowed to push|pushes to this branch are not permitted|pull request|merge request/i;

/** Files that are too large, secrets, signatures, messages: the same push with another commit may well be taken. */
const OF_THE_COMMIT =
  /\bGH00[19]\b|file size limit|large files|push protection|secret|must have verified signatures|commit message|\bauthor\b/i;

/** Whether the origin refuses every push to the branch, as far as its words tell. `reason` is git's, `words` the server's. */
export function isProtected(reason: string, words: string): boolean {
  return !OF_THE_COMMIT.test(words) && (OF_THE_BRANCH.test(reason) || OF_THE_BRANCH.test(words));
}
