/** Cuts a stream of bytes into lines, holding one line at the most. */

export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;
const FIRST_BYTES = 1_024;
const NOTHING = Buffer.alloc(0);

export interface LineCutter {
  push(chunk: Buffer): void;
  /** Gives out what came after the last newline. */
  end(): void;
}

/** Decodes each line with replacement characters; what a line has beyond {@link MAX_LINE_BYTES} is dropped. */
export function createLineCutter(onLine: (line: string) => void): LineCutter {
  // One for all of a line, however it comes: a million dots, printed one by one, would each take a hundred times their size.
  let line = NOTHING;
  let held = 0;

  const makeRoom = (bytes: number): void => {
    if (bytes <= line.length) return;
    const larger = Buffer.allocUnsafe(Math.min(MAX_LINE_BYTES, Math.max(bytes, 2 * line.length, FIRST_BYTES)));
    line.copy(larger, 0, 0, held);
    line = larger;
  };

  const hold = (part: Buffer): void => {
    const taken = part.subarray(0, MAX_LINE_BYTES - held);
    if (taken.length === 0) return;
    makeRoom(held + taken.length);
    held += taken.copy(line, held);
  };

  const give = (last: Buffer): void => {
    const text = held === 0 ? last.toString('utf8', 0, MAX_LINE_BYTES) : whole(last);
    line = NOTHING;
    held = 0;
    onLine(text.endsWith('\r') ? text.slice(0, -1) : text);
  };

  const whole = (last: Buffer): string => {
    hold(last);
    return line.toString('utf8', 0, held);
  };

  return {
    push(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        give(chunk.subarray(from, at));
        from = at + 1;
      }
      hold(chunk.subarray(from));
    },
    end() {
      if (held > 0) give(Buffer.alloc(0));
    },
  };
}
