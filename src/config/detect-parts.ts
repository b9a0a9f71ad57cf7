/** What the rules of `detect.ts` read and find. Pure. */

export interface Listing {
  /** Names of the files and folders at the repository's top; folders end in a slash. */
  readonly names: readonly string[];
  /** The text of a file of that list; null when it cannot be read. */
  readonly read: (name: string) => string | null;
  /** Whether this machine has a program; left out: nobody has looked. */
  readonly hasProgram?: (name: string) => boolean;
}

export interface Guess {
  readonly command: string;
  /** In words, such as `package.json has a test script`. */
  readonly reason: string;
}

export interface Detected {
  /** Null when nothing was recognised. */
  readonly gate: Guess | null;
  readonly setup: Guess | null;
  /** Why the gate needs the network; left out: it does without. */
  readonly network?: string;
}

export const has = (listing: Listing, name: string): boolean => listing.names.includes(name);
export const guess = (command: string, reason: string): Guess => ({ command, reason });
