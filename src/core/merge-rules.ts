/** How files are merged that everybody adds to, as a project's tasks.yaml declares it. Pure. */

export interface MergeRule {
  /** Patterns of paths from the repository's top: `*` stands for what is in one name, a part that is two stars for any folders. */
  readonly paths: readonly string[];
  /** `union`: where both sides have changed the same lines, the lines of both are kept, main's first. */
  readonly by: 'union';
}

/** The first rule for a path; null: conflicts in it are conflicts. */
export function ruleFor(rules: readonly MergeRule[], path: string): MergeRule | null {
  return rules.find(({ paths }) => paths.some((pattern) => matches(pattern, path))) ?? null;
}

/** Whether a path is of a pattern: in a time that grows with both, whatever they are. */
export function matches(pattern: string, path: string): boolean {
  return matchWith(pattern.split('/'), path.split('/'), '**', matchesName);
}

function matchesName(pattern: string, name: string): boolean {
  return matchWith(pattern.split(''), name.split(''), '*', (one, other) => one === other);
}

/** A wildcard takes as little as it can, and one part more each time that what follows does not fit. */
function matchWith(
  pattern: readonly string[],
  parts: readonly string[],
  wildcard: string,
  fits: (pattern: string, part: string) => boolean,
): boolean {
  let at = 0;
  let afterWildcard = -1;
  let taken = 0;
  for (let part = 0; part < parts.length;) {
    const one = pattern[at];
    if (one === wildcard) {
      at += 1;
      afterWildcard = at;
      taken = part;
    } else if (one !== undefined && fits(one, parts[part] ?? '')) {
      at += 1;
      part += 1;
    } else if (afterWildcard >= 0) {
      taken += 1;
      at = afterWildcard;
      part = taken;
    } else return false;
  }
  return pattern.slice(at).every((one) => one === wildcard);
}
