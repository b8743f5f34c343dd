// One container: loads one function, then answers calls of it one after the other.
//
// Started as `node [options] container.cjs INPUT OUTPUT LOG_LIMIT RESULT_LIMIT MEMORY_LIMIT`, where the first two
// are the file descriptors of the channel (frames.py says what passes there) and the others are bytes.
// Calls come in through the event loop, so that an empty loop can be noticed; everything goes out with
// blocking writes, so that what a function logged is out before it may crash, and a flood of it waits.
//
// It has to run on Node 12: nothing newer than ES2019 in here.
'use strict';

const fs = require('fs');
const Module = require('module');
const net = require('net');
const path = require('path');
const util = require('util');
const vm = require('vm');
const { redirectTmp } = require('./tmp_paths.cjs');

const [INPUT, OUTPUT, LOG_LIMIT, RESULT_LIMIT, MEMORY_LIMIT] = process.argv.slice(2).map(Number);
const ERROR_TEXT_LIMIT = 65536; // characters of a message or a stack
const HEADER_BYTES = 5;

// A function may replace what it likes; what is used after it was loaded is kept here.
const { writeSync } = fs;
const { format, inspect } = util;
const { parse, stringify } = JSON;
const { kill, hrtime, memoryUsage, pid } = process;
const directory = process.cwd();

let load = null; // the function that is to be loaded by the first call: {name, code}
let exported = null; // what `this` is in it
let main = null;
let moved = null; // turns a path in /tmp into the one that it means
let loadedName = 'a function'; // its file name in stacks
let call = null; // the call that is running
let invocations = new Map(); // BaaS.invoke that wait for an answer, by id
let invocationCount = 0;
const partial = { LOG: '', ERROR: '' }; // lines that process.stdout.write and process.stderr.write began

function leave() {
  kill.call(process, pid, 'SIGKILL'); // no exit handler of the function may keep it
}

function send(kind, text) {
  const size = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + size);
  frame.writeUInt32BE(size, 0);
  frame[4] = kind.charCodeAt(0);
  frame.write(text, HEADER_BYTES); // as UTF-8, in which half of a surrogate pair becomes U+FFFD
  let sent = 0;
  try {
    while (sent < frame.length) sent += writeSync(OUTPUT, frame, sent);
  } catch (error) {
    if (error && error.code === 'EPIPE') leave(); // the emulator is gone
    throw error;
  }
}

// The log -----------------------------------------------------------------------------------------

function log(level, message) {
  if (call === null || call.logged > LOG_LIMIT) return; // the emulator says that it was cut
  const text = message.length > LOG_LIMIT ? message.slice(0, LOG_LIMIT + 1) : message;
  call.logged += text.length + 30;
  send('T', `${level} ${text}`); // the emulator's clock, which a test may move, gives it its time
}

function printed(label, value) {
  try {
    return format(label, typeof value === 'string' ? value.slice(0, LOG_LIMIT + 1) : value);
  } catch (error) {
    return `${label} [could not be shown]`; // its own inspect method, a getter or a proxy threw
  }
}

function makeConsole() {
  let level = null;
  const sink = (usual) => ({
    write(text) {
      log(level || usual, text.endsWith('\n') ? text.slice(0, -1) : text);
      return true;
    },
    on() {},
    once() {},
    removeListener() {},
    listenerCount: () => 0,
  });
  const made = new console.Console({ stdout: sink('LOG'), stderr: sink('ERROR'), ignoreErrors: false });
  // console.table, dir, group, assert and the like go through these, or straight to the sinks.
  for (const [method, ownLevel] of [['info', 'INFO'], ['warn', 'WARN'], ['error', 'ERROR']]) {
    const original = made[method];
    made[method] = function (...args) {
      const before = level;
      level = ownLevel;
      try {
        original.apply(made, args);
      } finally {
        level = before;
      }
    };
  }
  return made;
}

function directOutput(level, fd) {
  const { Writable } = require('stream');
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, encoding, done) {
      const lines = (partial[level] + (typeof chunk === 'string' ? chunk : chunk.toString())).split('\n');
      partial[level] = lines.pop();
      for (const line of lines) log(level, line);
      if (partial[level].length > LOG_LIMIT) flush(level);
      done();
    },
  });
  stream.fd = fd;
  stream.isTTY = false;
  stream.destroy = () => stream; // as with Node's own, it can't be closed
  return stream;
}

function flush(level) {
  const text = partial[level];
  partial[level] = '';
  if (text !== '') log(level, text);
}

// Errors ------------------------------------------------------------------------------------------

function ownText(value) {
  const text = typeof value === 'string' ? value : String(value);
  return text.length > ERROR_TEXT_LIMIT ? `${text.slice(0, ERROR_TEXT_LIMIT)}…` : text;
}

// The container's own frames, and those of Node below them, are of no use to a function's author.
function cleanStack(stack) {
  const lines = ownText(stack).split('\n');
  const isOwn = (line) => line.includes(__dirname);
  const isNode = (line) => /^ +at .*\(?(node:|internal\/|\w+\.js:\d+:\d+\)?$)/.test(line) && !line.includes(loadedName);
  let end = lines.length;
  while (end > 1 && isNode(lines[end - 1])) end--;
  if (isOwn(lines[end - 1])) {
    while (end > 1 && isOwn(lines[end - 1])) end--;
  } else {
    end = lines.length;
  }
  return lines.slice(0, end).filter((line) => !isOwn(line)).join('\n').trimEnd();
}

function describe(error) {
  try {
    if (error instanceof Error || util.types.isNativeError(error)) {
      const described = { message: ownText(error.message) };
      const named = error.name !== 'Error' && typeof error.name === 'string' && error.name !== '';
      described.type = ownText(named ? error.name : (error.constructor && error.constructor.name) || 'Error');
      if (error.stack) described.stack = cleanStack(error.stack);
      return described;
    }
    if (typeof error === 'string') return { message: ownText(error) };
    if (error !== null && typeof error === 'object' && typeof error.message === 'string') {
      return { message: ownText(error.message) };
    }
    return { message: ownText(inspect(error)) };
  } catch (broken) {
    return { message: 'the function ended with an error that can not be shown' };
  }
}

// How a call ends ---------------------------------------------------------------------------------

function fail(ending, error) {
  if (ending.settled) return;
  ending.settled = true;
  const described = describe(error);
  if (call === ending) log('ERROR', described.stack || described.message);
  send('F', stringify(described));
}

function refuseSize(ending) {
  const refusal = new RangeError(`the result is too large: as JSON it may have at most ${RESULT_LIMIT} bytes`);
  refusal.stack = `RangeError: ${refusal.message}`;
  fail(ending, refusal);
}

function succeed(ending, data) {
  if (ending.settled || ending !== call) return;
  if (typeof data === 'string' && data.length > RESULT_LIMIT) {
    refuseSize(ending); // before the memory for its JSON is taken
    return;
  }
  let text;
  try {
    text = stringify(data);
    if (text === undefined) text = 'null'; // undefined, a function or a symbol: JSON has nothing for them
  } catch (error) {
    const described = describe(error);
    const refusal = new TypeError(`the result can not be sent as JSON: ${described.message}`);
    refusal.stack = `TypeError: ${refusal.message}`;
    fail(ending, refusal);
    return;
  }
  if (text.includes('\\ud')) {
    // Half of a surrogate pair has an escape in JSON but no UTF-8, and would break whoever encodes the result.
    text = text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd'));
  }
  if (Buffer.byteLength(text) > RESULT_LIMIT) {
    refuseSize(ending);
    return;
  }
  ending.settled = true;
  log('LOG', printed('return: ', { error: {}, code: 0, data }));
  send('R', text);
}

function finish(ending) {
  flush('LOG');
  flush('ERROR');
  const [seconds, nanoseconds] = hrtime.call(process, ending.started);
  call = null;
  invocations = new Map();
  input.ref();
  const memory = memoryUsage.rss ? memoryUsage.rss() : memoryUsage.call(process).rss;
  send('D', `{"discard":${ending.discard},"milliseconds":${seconds * 1e3 + nanoseconds / 1e6},"rss":${memory}}`);
}

process.on('uncaughtException', (error) => {
  if (call === null) leave(); // something that an earlier call left behind
  const ending = call;
  ending.discard = true;
  if (ending.settled) {
    const described = describe(error);
    log('ERROR', described.stack || described.message);
  } else {
    fail(ending, error);
  }
  finish(ending);
});

// As in Node 12, a rejection that nobody handles ends nothing. If nothing else calls back, it is the failure.
process.on('unhandledRejection', (reason) => {
  if (call === null) return;
  call.discard = true;
  if (call.rejection === null) call.rejection = { reason };
  const described = describe(reason);
  log('ERROR', `Unhandled rejection: ${described.stack || described.message}`);
});

process.on('warning', (warning) => {
  if (!/permission/i.test(warning.message) || warning.name !== 'ExperimentalWarning') {
    log('WARN', `${warning.name}: ${warning.message}`);
  }
});

process.on('exit', () => {
  flush('LOG');
  flush('ERROR');
});

// The event loop has nothing left to do. The channel does not count during a call, see `begin`.
process.on('beforeExit', () => {
  if (call === null) {
    input.ref();
  } else if (call.settled) {
    finish(call);
  } else if (call.rejection !== null) {
    const ending = call;
    ending.settled = true;
    send('F', stringify(describe(ending.rejection.reason)));
    finish(ending);
  } else {
    send('S', '');
    input.ref();
  }
});

// Loading and calling -----------------------------------------------------------------------------

function makeRequire(name) {
  const real = (Module.createRequire || Module.createRequireFromPath)(path.join(directory, name));
  const builtin = new Set(Module.builtinModules);
  function require(id) {
    if (typeof id === 'string' && (builtin.has(id) || id.startsWith('node:'))) return real(id);
    try {
      return real(moved(id));
    } catch (error) {
      // The permission model refuses to look where there could be modules of this machine.
      if (!error || !['MODULE_NOT_FOUND', 'ERR_ACCESS_DENIED'].includes(error.code)) throw error;
      const missing = new Error(
        `Cannot find module '${id}': a function has Node's own modules and what is bundled into its code`
      );
      missing.code = 'MODULE_NOT_FOUND';
      throw missing;
    }
  }
  return Object.assign(require, { resolve: real.resolve, cache: real.cache, main: undefined });
}

function loadMain({ name, code }) {
  const filename = `${name}.js`;
  loadedName = filename;
  // V8 takes a byte order mark and a hashbang at the start of a script, but not of a function's body.
  const source = code.replace(/^\ufeff/, '').replace(/^#!/, '//');
  const module = { exports: {}, id: '.', filename, loaded: false, children: [], paths: [], parent: null };
  const options = { filename };
  if (vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER) {
    options.importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  }
  const parameters = ['exports', 'require', 'module', '__filename', '__dirname'];
  const body = vm.compileFunction(source, parameters, options);
  body.call(module.exports, module.exports, makeRequire(filename), module, path.join(directory, filename), directory);
  module.loaded = true;
  const found = module.exports;
  const usual = found === null || found === undefined ? undefined : found.main;
  const wrapped = found === null || found === undefined ? undefined : found.default;
  const candidates = [usual, usual && usual.default, found, wrapped, wrapped && wrapped.main];
  const chosen = candidates.find((candidate) => typeof candidate === 'function');
  if (chosen === undefined) {
    const missing = new TypeError('the code exports no function: assign one to exports.main');
    missing.stack = `TypeError: ${missing.message}`;
    throw missing;
  }
  exported = found;
  return chosen;
}

function begin(text) {
  const event = parse(text);
  const mine = { settled: false, discard: false, rejection: null, logged: 0, started: hrtime.call(process) };
  call = mine;
  input.unref(); // so that the loop is empty once the function has nothing left to do
  log('LOG', printed('event.data: ', event.data));
  if (main === null) {
    try {
      main = loadMain(load);
      load = null;
    } catch (error) {
      mine.discard = true;
      fail(mine, error);
      return;
    }
  }
  const callback = (error, data) => {
    if (error) fail(mine, error);
    else succeed(mine, data);
  };
  try {
    const returned = main.call(exported, event, callback);
    if (returned !== null && typeof returned === 'object' && typeof returned.then === 'function') {
      returned.then(
        (data) => {
          if (data !== undefined) succeed(mine, data);
        },
        (error) => {
          if (mine.settled && mine === call) {
            const described = describe(error);
            log('ERROR', described.stack || described.message);
            mine.discard = true;
          }
          fail(mine, error);
        }
      );
    }
  } catch (error) {
    if (mine.settled) {
      const described = describe(error);
      log('ERROR', described.stack || described.message);
      mine.discard = true;
    } else {
      fail(mine, error);
    }
  }
}

// BaaS --------------------------------------------------------------------------------------------

function invoke(name, params, sync) {
  if (typeof name !== 'string' || name === '') {
    return Promise.reject(new TypeError('BaaS.invoke(name, params, sync): name is the name of a function'));
  }
  let text;
  try {
    text = stringify({
      id: ++invocationCount,
      name,
      params: params === undefined ? {} : params,
      sync: sync === undefined ? true : Boolean(sync),
    });
  } catch (error) {
    return Promise.reject(error);
  }
  if (Buffer.byteLength(text) > RESULT_LIMIT) {
    return Promise.reject(new RangeError(`BaaS.invoke: the parameters have more than ${RESULT_LIMIT} bytes as JSON`));
  }
  return new Promise((resolve, reject) => {
    if (call === null) {
      reject(new Error('BaaS.invoke: the call has ended'));
      return;
    }
    invocations.set(invocationCount, { resolve, reject });
    input.ref();
    send('I', text);
  });
}

function answer(text) {
  const { id, result, error } = parse(text);
  const waiting = invocations.get(id);
  if (waiting === undefined) return;
  invocations.delete(id);
  if (invocations.size === 0 && call !== null) input.unref();
  if (error === undefined) waiting.resolve(result);
  else waiting.reject(new Error(error));
}

const baas = new Proxy(Object.freeze({ invoke }), {
  get(target, property) {
    if (property === 'invoke' || typeof property === 'symbol') return target[property];
    if (property === 'then' || property === 'toJSON' || property === 'inspect') return undefined;
    throw new Error(`BaaS.${property} is not there: of BaaS, the emulator has only BaaS.invoke`);
  },
});

// The world of a function -------------------------------------------------------------------------

const own = (value) => ({ value, configurable: true, enumerable: false, writable: true });
Object.defineProperty(global, 'console', own(makeConsole()));
Object.defineProperty(global, 'BaaS', own(baas));
for (const [name, level, fd] of [['stdout', 'LOG', 1], ['stderr', 'ERROR', 2]]) {
  let stream = null;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => stream || (stream = directOutput(level, fd)),
  });
}
process.argv.splice(2);
process.kill = function (target, signal) {
  if (target !== pid) throw new Error('process.kill: a function may signal no process but its own');
  return kill.call(process, target, signal);
};
moved = redirectTmp(fs, directory);
if (Module.syncBuiltinESMExports) Module.syncBuiltinESMExports(); // import() sees the same fs and process

if (MEMORY_LIMIT > 0) {
  // Where the emulator can't see how much memory this process holds, it has to look itself.
  setInterval(() => {
    if (call !== null && memoryUsage.call(process).rss > MEMORY_LIMIT) {
      send('M', '');
      leave();
    }
  }, 50).unref();
}

// The channel -------------------------------------------------------------------------------------

const input = new net.Socket({ fd: INPUT, readable: true, writable: false });
let chunks = [];
let available = 0;
let needed = HEADER_BYTES;

function take() {
  const data = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, available);
  let start = 0;
  needed = HEADER_BYTES;
  while (data.length - start >= HEADER_BYTES) {
    const end = start + HEADER_BYTES + data.readUInt32BE(start);
    if (data.length < end) {
      needed = end - start;
      break;
    }
    const kind = String.fromCharCode(data[start + 4]);
    const text = data.toString('utf8', start + HEADER_BYTES, end);
    start = end;
    if (kind === 'L') load = parse(text);
    else if (kind === 'C') begin(text);
    else if (kind === 'A') answer(text);
  }
  chunks = start < data.length ? [data.slice(start)] : [];
  available = data.length - start;
}

input.on('data', (chunk) => {
  chunks.push(chunk);
  available += chunk.length;
  if (available >= needed) take();
});
input.on('close', leave); // the emulator is gone
input.on('error', leave);
send('H', '');
