/**
 * How a repository of the engine shows that objects of it are broken or gone on disk, as a power cut or a bad disk leaves
 * them: by git's own words, and by what the engine itself looks for and does not find.
 *
 * It is a suspicion only. The words may be about the origin's objects, or about a commit that was never here; so whoever
 * hears of it looks at the objects themselves (damage.ts) before anything is touched.
 */

import { oneLine } from '../core/text.ts';
import { GitError, type GitOutput } from './command.ts';
import type { Git, GitOptions } from './git.ts';

const ID = String.raw`'?[0-9a-f]{40,64}\b`;

/** Each as git says it, from 2.38 on: of loose objects, of packs, of what names an object that is not there. */
const WORDS: readonly RegExp[] = [
  /object file .+ is empty/,
  /loose object .+ is corrupt/,
  /corrupt loose object/,
  /garbage at end of loose object/,
  /object corrupt or missing/,
  /hash (?:mismatch|path mismatch)\b/,
  /inflate: (?:data stream error|needs dictionary|\w+ error)/,
  /inflate returned -?\d+/,
  /unable to (?:unpack|parse) .*header/,
  /packed object .+ is corrupt/,
  /packfile .+ (?:does not match index|is truncated|is far too short|cannot be|is not a|claims to have|signature|mismatch|index)/,
  /(?:pack|index) file .+ (?:is too small|is corrupt|has bad|checksum)|wrong index v\d file size|non-monotonic index/,
  /pack has bad object at offset|pack is corrupted|bad pack header/,
  /failed to (?:read|validate) delta base|failed to apply delta|delta base object .+ corrupt/,
  /cannot read existing object/,
  /did not send all necessary objects/,
  // What a pack has is sent as it is: it is the other side that finds it broken.
  /remote unpack failed: (?:index-pack|unpack-objects)/,
  /does not point to a valid object/,
  /(?:bad|not a) tree object/,
  /failed to unpack tree object/,
  /cache-?tree.* corrupt|error building trees/,
  new RegExp(`missing (?:blob|tree|commit)(?: object)? ${ID}`),
  /bad object \S|bad (?:blob|commit) '?[0-9a-f]{40}/,
  /file .+ is not a GIT packfile/,
  // From 2.46 on, of a pack that is fetched once more over a broken one.
  /files .+ and .+ differ in contents/,
  new RegExp(`(?:unable to|[Cc]ould not|[Cc]annot) (?:read|parse|get|open|stream)(?: \\w+)*(?: of)? \\(?${ID}`),
  /unable to read (?:sha1 file|tree|blob|object|commit)\b/,
  /unable to parse commit|could not parse (?:as tree|commit)|not something we can merge/,
  /Failed to traverse parents of commit|Not a valid commit name/,
];

const OF_THE_HOST = /No space left on device|Disk quota exceeded|[Oo]ut of memory|Cannot allocate memory/;

/** The line in which git says that an object is broken or missing; null when it says nothing of the kind. */
export function brokenIn(stderr: string): string | null {
  if (OF_THE_HOST.test(stderr)) return null;
  const lines = stderr.split(/[\n\r]/).map((line) => line.trim());
  // What the other side of a connection says of itself is its own affair.
  return lines.find((line) => !line.startsWith('remote:') && WORDS.some((words) => words.test(line))) ?? null;
}

/** Objects of this repository seem to be broken, or missing. */
export class BrokenObjects extends GitError {
  readonly gitDir: string;
  /** One line. */
  readonly sign: string;

  constructor(gitDir: string, command: string, sign: string, output = { stderr: sign, stdout: '' }) {
    super(command, 'broken', { ...output, text: sign });
    this.name = 'BrokenObjects';
    this.gitDir = gitDir;
    this.sign = oneLine(sign, 300);
  }
}

/** Which repositories have just been looked through and found whole: what git says then is about something else. */
export class Trust {
  readonly #until = new Map<string, number>();

  trust(gitDir: string, forMs: number): void {
    this.#until.set(gitDir, performance.now() + forMs);
  }

  has(gitDir: string): boolean {
    return (this.#until.get(gitDir) ?? 0) > performance.now();
  }

  /** @throws BrokenObjects unless the repository is known to be whole */
  suspect(gitDir: string, sign: string): void {
    if (!this.has(gitDir)) throw new BrokenObjects(gitDir, 'look', sign);
  }
}

/** Git whose commands throw {@link BrokenObjects} where they say that objects are broken, whatever they exit with. */
export function watchBroken(git: Git, trust: Trust): Git {
  const watched = async (
    command: string,
    { gitDir, mayLack }: GitOptions,
    run: () => Promise<GitOutput>,
    isAnswer: (code: number) => boolean,
  ): Promise<GitOutput> => {
    const look = (stderr: string, stdout: string): void => {
      const sign = mayLack === true || trust.has(gitDir) ? null : brokenIn(stderr);
      if (sign !== null) throw new BrokenObjects(gitDir, command, sign, { stderr, stdout });
    };
    try {
      const output = await run();
      if (!isAnswer(output.code)) look(output.stderr, '');
      return output;
    } catch (error) {
      if (error instanceof GitError && error.reason === 'exit') look(error.stderr, error.stdout);
      throw error;
    }
  };
  return {
    ...git,
    // A `cat-file` that meets a broken object calls it missing, and goes on.
    local: (args, options) =>
      watched(
        args[0] ?? '',
        options,
        () => git.local(args, options),
        () => false,
      ),
    network: (args, options) =>
      watched(
        args[0] ?? '',
        options,
        () => git.network(args, options),
        (code) => code === 0,
      ),
  };
}
