/** Lists of requirements at a repository's top, and whether set-up can install what they name. Pure. */

const REQUIREMENTS = [
  'requirements.txt',
  'requirements-dev.txt',
  'requirements_dev.txt',
  'requirements-test.txt',
  'requirements_test.txt',
];
/** Installed from the repository itself: a gate would test what set-up has found there, not its own tree. */
const OF_THE_TREE = /^\s*(?:-e|--editable\b|\.|\/|file:|[\w.[\],-]+\s*@\s*file:)/m;
/** Another list, of which the same would have to be known. */
const OTHER_LIST = /^\s*(?:-[rc]|--requirements?\b|--constraints?\b)[\s=]*(\S*)/gm;

/** The lists and what is in them; null: there is no requirements.txt, or what set-up would install is not known or will not do. */
export function readRequirements(listing: {
  readonly names: readonly string[];
  readonly read: (name: string) => string | null;
}): { readonly files: readonly string[]; readonly texts: readonly string[] } | null {
  const files = REQUIREMENTS.filter((name) => listing.names.includes(name));
  if (!files.includes('requirements.txt')) return null;
  // A line may go on in the next one.
  const texts = files.map((name) => (listing.read(name) ?? '').replace(/\\\r?\n/g, ''));
  const named = texts.flatMap((text) => [...text.matchAll(OTHER_LIST)].map(([, name = '']) => name));
  if (named.some((name) => !files.includes(name.replace(/["']/g, '').replace(/^(?:\.\/)+/, '')))) return null;
  return texts.some((text) => OF_THE_TREE.test(text)) ? null : { files, texts };
}
