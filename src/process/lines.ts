/** Cuts a stream of bytes into lines, holding one line at the most. */

export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 0x0a;

export interface LineCutter {
  push(chunk: Buffer): void;
  /** Gives out what came after the last newline. */
  end(): void;
}

/** Decodes each line with replacement characters; what a line has beyond {@link MAX_LINE_BYTES} is dropped. */
export function createLineCutter(onLine: (line: string) => void): LineCutter {
  let parts: Buffer[] = [];
  let held = 0;

  const hold = (part: Buffer): void => {
    const room = MAX_LINE_BYTES - held;
    if (room <= 0 || part.length === 0) return;
    // A copy, so that a short rest does not keep the whole chunk that it came in.
    parts.push(Buffer.from(part.subarray(0, room)));
    held += Math.min(room, part.length);
  };

  const give = (last: Buffer): void => {
    const line = held === 0 ? last.subarray(0, MAX_LINE_BYTES) : join(last);
    parts = [];
    held = 0;
    const text = line.toString('utf8');
    onLine(text.endsWith('\r') ? text.slice(0, -1) : text);
  };

  const join = (last: Buffer): Buffer => {
    hold(last);
    return Buffer.concat(parts, held);
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
