/**
 * What a program of this folder was asked for, by options and words; with `--help` it only says how it is used. Plain
 * Node, no packages: it comes before anything is installed.
 */

import { parseArgs } from 'node:util';

/** What was asked for cannot be: one line that names the option and the fix. */
export class BadArguments extends Error {}

/**
 * @param {{ name: string, help: string, options?: Record<string, { type: 'string' | 'boolean', default?: unknown }>, takesWords?: boolean }} usage
 *   `options` as for parseArgs
 * @param judge makes of the values and the words what the program needs; @throws BadArguments
 * @returns what judge makes; ends the process with 0 after the help, and with 2 after what is wrong
 */
export function readArguments({ name, help, options = {}, takesWords = false }, judge = (values) => values) {
  try {
    const { values, words } = read({ ...options, help: { type: 'boolean', short: 'h' } }, takesWords);
    if (values.help !== true) return judge(values, words);
    process.stdout.write(help);
    return process.exit(0);
  } catch (error) {
    if (!(error instanceof BadArguments)) throw error;
    process.stderr.write(`${name}: ${error.message}; --help says how it is used\n`);
    return process.exit(2);
  }
}

function read(options, takesWords) {
  // Not strict: what is wrong is said here, in one way.
  const { values, positionals, tokens } = parseArgs({ options, strict: false, tokens: true });
  for (const { kind, name, rawName, value, inlineValue } of tokens) {
    if (kind !== 'option') continue;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) throw new BadArguments(`there is no option ${rawName}`);
    if (option.type === 'boolean' && value !== undefined) throw new BadArguments(`${rawName} takes no value`);
    if (option.type === 'boolean') continue;
    // Another option was taken for it; - alone is a value.
    const isOption = inlineValue !== true && /^-./.test(value ?? '');
    if (isOption || (value ?? '') === '') throw new BadArguments(`${rawName} needs a value`);
  }
  if (!takesWords && positionals.length > 0) throw new BadArguments(`it takes no "${positionals[0]}"`);
  return { values, words: positionals };
}

/** @param text as it was given; @throws BadArguments when it is no whole number, or less than it may be */
export function wholeNumber(option, text, least) {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new BadArguments(`${option} is a whole number, ${least} or more, and not "${text}"`);
}

/** @throws BadArguments when some are not among those that there are */
export function knownSections(words, known) {
  const unknown = words.filter((word) => !known.includes(word));
  if (unknown.length === 0) return words;
  throw new BadArguments(`there is no section ${unknown.join(' ')}, but ${known.join(', ')}`);
}
