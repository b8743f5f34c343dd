// Describes errors by message, type, and a stack with only the function's frames. Runs on Node 12.
'use strict';

const util = require('util');

const TEXT_LIMIT = 65536; // characters of a message or a stack
const LONGEST_LINE = 400; // characters of the line of code that a syntax error shows
const { inspect } = util;

const isFrame = (line) => /^ +at /.test(line);
const isOwn = (line) => line.includes(__dirname);
const isNode = (line) => /^ +at .*\(?(node:|internal\/|\w+\.js:\d+:\d+\)?)/.test(line);

// Removes the container's frames from a text, and Node's below them, which are of no use to a function's author.
function withoutOwnFrames(text, loadedName) {
  // Loggers write JSON, in which the line breaks of a stack are escaped as \n.
  return ['\n', '\\n'].reduce((shown, lineBreak) => (shown.includes(__dirname) ? filtered(shown, lineBreak, loadedName) : shown), text);
}

function filtered(text, lineBreak, loadedName) {
  const lines = text.split(lineBreak);
  const kept = [];
  for (let start = 0; start < lines.length; ) {
    if (!isFrame(lines[start])) {
      kept.push(lines[start++]);
      continue;
    }
    let end = start;
    while (end < lines.length && isFrame(lines[end])) end++;
    const frames = lines.slice(start, end);
    let shown = frames.length;
    while (shown > 0 && (isOwn(frames[shown - 1]) || (isNode(frames[shown - 1]) && !frames[shown - 1].includes(loadedName)))) shown--;
    // Node's frames without ours below them show how the function was called back, and stay.
    if (!frames.slice(shown).some(isOwn)) shown = frames.length;
    kept.push(...frames.slice(0, shown).filter((line) => !isOwn(line)));
    // The text after the last frame stays: util.inspect appends the error's other properties, JSON its next member.
    if (shown < frames.length) kept[kept.length - 1] += frames[frames.length - 1].replace(/^.*?:\d+:\d+\)?/, '');
    start = end;
  }
  return kept.join(lineBreak);
}

// Shortens a very long line of code in a syntax error to the part around its place.
function shortened(stack) {
  const [place, code, marks, ...rest] = stack.split('\n', 4);
  if (rest.length === 0 || code.length <= LONGEST_LINE || !/^\s*\^*\s*$/.test(marks)) return stack;
  const after = stack.slice(place.length + code.length + marks.length + 3);
  const column = marks.indexOf('^');
  if (column < 0) return [place, `${code.slice(0, LONGEST_LINE)}…`, '', after].join('\n'); // too far right for Node to mark it
  const from = Math.max(0, column - LONGEST_LINE / 2);
  return [place, code.slice(from, from + LONGEST_LINE), marks.slice(from, from + LONGEST_LINE), after].join('\n');
}

function bounded(value) {
  const text = typeof value === 'string' ? value : String(value);
  return text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}…` : text;
}

// Returns {message, type?, stack?} for any thrown value.
function describe(error, loadedName, directory) {
  try {
    if (error instanceof Error || util.types.isNativeError(error)) {
      const described = { message: bounded(error.message) };
      const named = error.name !== 'Error' && typeof error.name === 'string' && error.name !== '';
      described.type = bounded(named ? error.name : (error.constructor && error.constructor.name) || 'Error');
      if (error.stack) {
        const stack = bounded(withoutOwnFrames(shortened(String(error.stack)), loadedName));
        described.stack = stack.split(`${directory}/`).join('').trimEnd();
      }
      return described;
    }
    if (typeof error === 'string') return { message: bounded(error) };
    if (error !== null && typeof error === 'object' && typeof error.message === 'string') {
      return { message: bounded(error.message) };
    }
    return { message: bounded(inspect(error)) };
  } catch (broken) {
    return { message: 'the function ended with an error that can not be shown' };
  }
}

module.exports = { describe, withoutOwnFrames };
