/** Progress of long work, on standard error: one line redrawn on a terminal that can, plain lines elsewhere. */

import { cutTo } from './render/table.ts';
import { columnsOf, type Output } from './io.ts';
import type { Session } from './session.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** How often a line of which only the figures change is printed where it stays. */
export const PLAIN_EVERY_MS = 15_000;

export interface Progress {
  /** What goes on now. Elsewhere than on a terminal a line is printed when the text is new. */
  update(text: string): void;
  /** A line that stays, above what goes on. */
  say(text: string): void;
  /** Takes the line away; plain lines stay. */
  stop(): void;
}

/** Shows the spinner at once where somebody looks; nothing at all until the first `update` elsewhere. */
export function showProgress(session: Session): Progress {
  const { stderr } = session.io;
  return session.redraws(stderr) ? spinner(stderr) : plainLines(stderr);
}

function spinner(stderr: Output): Progress {
  let text = '';
  let frame = 0;
  const draw = (): void => {
    frame += 1;
    const mark = FRAMES[frame % FRAMES.length] ?? '';
    stderr.write(`\r\u001b[2K${cutTo(`${mark} ${text}`, columnsOf(stderr) - 1)}`);
  };
  const timer = setInterval(draw, FRAME_MS);
  return {
    update(next) {
      text = next;
      draw();
    },
    say(line) {
      stderr.write(`\r\u001b[2K${line}\n`);
      draw();
    },
    stop() {
      clearInterval(timer);
      stderr.write('\r\u001b[2K');
    },
  };
}

function plainLines(stderr: Output): Progress {
  const isNews = newsOf(PLAIN_EVERY_MS);
  return {
    update(text) {
      if (isNews(text)) stderr.write(`${text}\n`);
    },
    say: (line) => void stderr.write(`${line}\n`),
    stop: () => undefined,
  };
}

/** Whether a line is worth printing again where all lines stay: not when only its figures are new, for so long. */
export function newsOf(everyMs: number, now: () => number = Date.now): (text: string) => boolean {
  let last = '';
  let printedAtMs = -Infinity;
  return (text) => {
    const words = text.replace(/\d+(?:\.\d+)?/g, '0');
    if (words === last && now() - printedAtMs < everyMs) return false;
    last = words;
    printedAtMs = now();
    return true;
  };
}
