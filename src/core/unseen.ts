/**
 * What nobody sees of a text: control characters, marks of direction, a terminal's sequences. Whoever keeps or shows the text
 * takes them out, and the halves of a secret that stood around one would be whole again. Pure. Texts are bytes of UTF-8, read
 * as Latin-1.
 */

const SEQUENCE_OR_CONTROL =
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\))|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
/** Characters of several bytes: those in front may stand before what is taken out, and the others behind it. */
const WIDE =
  /\u00c2[\u0080-\u009f]|\u00d8\u009c|\u00e2\u0080[\u008e\u008f\u00aa-\u00ae]|\u00e2\u0081[\u00a6-\u00a9]|\u00ef\u00bb\u00bf/;
const WIDE_BYTES = 3;
const UNSEEN = new RegExp(`${SEQUENCE_OR_CONTROL.source}|${WIDE.source}`, 'g');
const MAYBE_UNSEEN =
  /(?:\u001b(?:\[[0-?]{0,64}[ -/]{0,16}|\][^\u0007\u001b]{0,4096}\u001b?)?|\u00c2|\u00d8|\u00e2[\u0080\u0081]?|\u00ef\u00bb?)$/;
const LONGEST_UNSEEN = 4_200;
const BROKEN = '?';

/** A whole text. */
export function visible(text: string): string {
  return createVisible()(text);
}

/** What could be the beginning of something unseen, at the end of a chunk. */
export function maybeUnseenAtEnd(chunk: string): string {
  return MAYBE_UNSEEN.exec(chunk.slice(-LONGEST_UNSEEN))?.[0] ?? '';
}

/**
 * What is seen of a text that comes bit by bit. Parts that would be something unseen, now that what stood between them is
 * gone, stay apart: whoever shows the text would take that out as well.
 */
export function createVisible(): (text: string) => string {
  let before = '';
  return (text) => {
    const parts: string[] = [];
    const add = (part: string): void => {
      if (part === '') return;
      if (WIDE.test(before + part.slice(0, WIDE_BYTES - 1))) parts.push(BROKEN);
      parts.push(part);
      before = (before + part).slice(1 - WIDE_BYTES);
    };
    let at = 0;
    for (const { 0: unseen, index } of text.matchAll(UNSEEN)) {
      add(text.slice(at, index));
      at = index + unseen.length;
    }
    add(text.slice(at));
    return parts.join('');
  };
}
