// The script of a container: loads one function, then runs its calls, one at a time.
//
// Started as `node [options] container.cjs INPUT OUTPUT SETTINGS`: the file descriptors of the channel, whose frames are described
// in frames.py, and JSON with logLimit, resultLimit and memoryLimit in bytes, baas, strict and confine.
// Calls are read by the event loop, so that an empty loop can be noticed. Frames are written with blocking writes, so that the log
// is complete before a crash, and a function that logs too much has to wait.
//
// It has to run on Node 12, so it uses nothing newer than ES2019.
'use strict';

const fs = require('fs');
const Module = require('module');
const net = require('net');
const path = require('path');
const { StringDecoder } = require('string_decoder');
const util = require('util');
const { makeBaas, isTrusted } = require('./baas.cjs');
const { confineProcess, guardProcesses, watchSockets } = require('./confinement.cjs');
const { redirectPaths, redirectStreams } = require('./files.cjs');
const stacks = require('./stacks.cjs');

const INPUT = Number(process.argv[2]);
const OUTPUT = Number(process.argv[3]);
const SETTINGS = JSON.parse(process.argv[4]);
const LOG_LIMIT = SETTINGS.logLimit;
const RESULT_LIMIT = SETTINGS.resultLimit;
const HEADER_BYTES = 5;

// A function may replace any of these, so those that are used after it was loaded are kept here.
const { writeSync } = fs;
const { format } = util;
const { parse, stringify } = JSON;
const { kill, hrtime, memoryUsage, pid } = process;
const directory = process.cwd();

let load = null; // the function that is to be loaded by the first call: {name, code}
let exported = null; // what `this` is in it
let main = null;
let loadedName = 'a function'; // its file name in stacks
let currentCall = null; // the call that is running
let invocations = new Map(); // BaaS.invoke that wait for an answer, by id
let invocationCount = 0;
const streams = new Map([
  [1, { level: 'LOG', begun: '', decoder: new StringDecoder('utf8') }],
  [2, { level: 'ERROR', begun: '', decoder: new StringDecoder('utf8') }],
]); // the standard streams, with the line that was begun on each

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

function addEntry(level, message) {
  if (currentCall === null || currentCall.logged > LOG_LIMIT) return; // the emulator says that it was cut
  const shown = stacks.withoutOwnFrames(message, loadedName);
  const text = shown.length > LOG_LIMIT ? shown.slice(0, LOG_LIMIT + 1) : shown;
  currentCall.logged += text.length + 30;
  send('T', `${level} ${text}`); // the emulator's clock, which a test may move, gives it its time
}

// Logs the lines that were begun on the streams, before the next entry.
function endBegunLines() {
  for (const stream of streams.values()) {
    const text = stream.begun;
    stream.begun = '';
    if (text !== '') addEntry(stream.level, text);
  }
}

function log(level, message) {
  endBegunLines();
  addEntry(level, message);
}

function writeToStream(fd, bytes) {
  const stream = streams.get(fd);
  const text = stream.decoder.write(bytes);
  stream.begun += text;
  // Until a line ends it is only put together, which takes no time however many its pieces are.
  if (text.includes('\n')) {
    const lines = stacks.withoutOwnFrames(stream.begun, loadedName).split('\n');
    stream.begun = '';
    const begun = lines.pop();
    for (const line of lines) log(stream.level, line);
    stream.begun = begun;
  }
  if (stream.begun.length > LOG_LIMIT) endBegunLines();
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
  // console.table, dir, group, assert and others call these or write to the sinks.
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

function standardStream(fd) {
  const { Writable } = require('stream');
  const stream = new Writable({
    write(chunk, encoding, done) {
      writeToStream(fd, chunk);
      done();
    },
  });
  stream.fd = fd;
  stream.isTTY = false;
  stream.destroy = () => stream; // as with Node's own, it can't be closed
  return stream;
}

const describe = (error) => stacks.describe(error, loadedName, directory);

// How a call ends ---------------------------------------------------------------------------------

function fail(call, error) {
  if (call.settled) return;
  call.settled = true;
  const described = describe(error);
  if (currentCall === call) log('ERROR', described.stack || described.message);
  send('F', stringify(described));
}

function refuseSize(call) {
  const refusal = new RangeError(`the result is too large: as JSON it may have at most ${RESULT_LIMIT} bytes`);
  refusal.stack = `RangeError: ${refusal.message}`;
  fail(call, refusal);
}

function succeed(call, data) {
  if (call.settled || call !== currentCall) return;
  if (typeof data === 'string' && data.length > RESULT_LIMIT) {
    refuseSize(call); // before the memory for its JSON is taken
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
    fail(call, refusal);
    return;
  }
  if (text.includes('\\ud')) {
    // Half of a surrogate pair has an escape in JSON but can't be encoded as UTF-8.
    text = text.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd'));
  }
  if (Buffer.byteLength(text) > RESULT_LIMIT) {
    refuseSize(call);
    return;
  }
  call.settled = true;
  log('LOG', printed('return: ', { error: {}, code: 0, data }));
  send('R', text);
}

function finish(call) {
  endBegunLines();
  const [seconds, nanoseconds] = hrtime.call(process, call.started);
  currentCall = null;
  invocations = new Map();
  input.ref();
  const memory = memoryUsage.rss ? memoryUsage.rss() : memoryUsage.call(process).rss;
  send('D', `{"discard":${call.discard},"milliseconds":${seconds * 1e3 + nanoseconds / 1e6},"rss":${memory}}`);
}

process.on('uncaughtException', (error) => {
  if (currentCall === null) leave(); // an earlier call has caused it
  const call = currentCall;
  call.discard = true;
  if (call.settled) {
    const described = describe(error);
    log('ERROR', described.stack || described.message);
  } else {
    fail(call, error);
  }
  finish(call);
});

// As in Node 12, an unhandled rejection ends nothing. If nothing calls back, it is the failure.
process.on('unhandledRejection', (reason) => {
  if (currentCall === null) return;
  currentCall.discard = true;
  if (currentCall.rejection === null) currentCall.rejection = { reason };
  const described = describe(reason);
  log('ERROR', `Unhandled rejection: ${described.stack || described.message}`);
});

process.on('warning', (warning) => {
  // The function has caused neither the warning about the permission model nor the one about loading its code.
  if (!(/permission/i.test(warning.message) && warning.name === 'ExperimentalWarning') && !/^(To|Failed to) load (an|the) ES module/.test(warning.message)) {
    log('WARN', `${warning.name}: ${warning.message}`);
  }
});

process.on('exit', endBegunLines);

// The event loop is empty; during a call the channel does not keep it alive, see `begin`.
process.on('beforeExit', () => {
  if (currentCall === null) {
    input.ref();
  } else if (currentCall.settled) {
    finish(currentCall);
  } else if (currentCall.rejection !== null) {
    const call = currentCall;
    call.settled = true;
    send('F', stringify(describe(call.rejection.reason)));
    finish(call);
  } else {
    send('S', '');
    input.ref();
  }
});

// Loading and calling -----------------------------------------------------------------------------

function loadMain({ name, code }) {
  const filename = `${name}.js`;
  const file = path.join(directory, filename.replace(/[/\\\0]/g, '_'));
  loadedName = filename.replace(/[\s'"/\\\0]/g, '_'); // what V8 takes for the name of a script
  // V8 accepts a byte order mark and a hashbang at the start of a script, but not of a function's body.
  const source = code.replace(/^\ufeff/, '').replace(/^#!/, '//');
  const module = new Module(file, null);
  module.filename = file;
  module.paths = [];
  module._compile(`${source}\n//# sourceURL=${loadedName}`, file, 'commonjs'); // no Node takes it for an ES module then
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
  const call = { settled: false, discard: false, rejection: null, logged: 0, sockets: new Set(), started: hrtime.call(process) };
  currentCall = call;
  input.unref(); // so that the loop is empty once the function has nothing left to do
  log('LOG', printed('event.data: ', event.data));
  if (main === null) {
    try {
      main = loadMain(load);
      load = null;
    } catch (error) {
      call.discard = true;
      fail(call, error);
      return;
    }
  }
  const callback = (error, data) => {
    if (error) fail(call, error);
    else succeed(call, data);
  };
  try {
    const returned = main.call(exported, event, callback);
    if (returned !== null && typeof returned === 'object' && typeof returned.then === 'function') {
      returned.then(
        (data) => {
          if (data !== undefined) succeed(call, data);
        },
        (error) => {
          if (call.settled && call === currentCall) {
            const described = describe(error);
            log('ERROR', described.stack || described.message);
            call.discard = true;
          }
          fail(call, error);
        }
      );
    }
  } catch (error) {
    if (call.settled) {
      const described = describe(error);
      log('ERROR', described.stack || described.message);
      call.discard = true;
    } else {
      fail(call, error);
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
    if (currentCall === null) {
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
  if (invocations.size === 0 && currentCall !== null) input.unref();
  if (error === undefined) waiting.resolve(result);
  else waiting.reject(new Error(error));
}

// The old name of invoke. It resolves to the whole response, with the result in it.
function invokeFunction(name, params, sync) {
  return invoke(name, params, sync).then((data) => ({ status: 200, data }));
}

// The environment of a function -------------------------------------------------------------------

const own = (value) => ({ value, configurable: true, enumerable: false, writable: true });
const loadBaas = SETTINGS.baas === null ? null : () => require(SETTINGS.baas);
Object.defineProperty(global, 'BaaS', own(makeBaas({ invoke, invokeFunction }, loadBaas)));
Object.defineProperty(global, 'console', own(makeConsole()));
for (const [fd, name] of [[1, 'stdout'], [2, 'stderr']]) {
  let stream = null;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get: () => stream || (stream = standardStream(fd)),
  });
}
process.argv.splice(2);
guardProcesses();
if (SETTINGS.confine) confineProcess();
watchSockets((what) => {
  if (isTrusted()) return null;
  if (SETTINGS.strict) {
    const refused = new Error(`${what}: the service gives functions no network but BaaS.request`);
    refused.code = 'EACCES';
    return refused;
  }
  if (currentCall !== null && !currentCall.sockets.has(what)) {
    currentCall.sockets.add(what);
    log('WARN', `${what}: the service would refuse this, it gives functions no network but BaaS.request`);
  }
  return null;
});
const readable = [__dirname, ...(SETTINGS.baas === null ? [] : [path.dirname(SETTINGS.baas)])];
const moved = redirectPaths(directory, { confine: SETTINGS.confine, readable });
redirectStreams(writeToStream);
if (Module.syncBuiltinESMExports) Module.syncBuiltinESMExports(); // import() sees the same fs and process

const requireModule = Module.prototype.require;
Module.prototype.require = function (id) {
  try {
    return requireModule.call(this, moved(id));
  } catch (error) {
    // The permission model refuses to search the folders of this machine's modules.
    if (!error || !['MODULE_NOT_FOUND', 'ERR_ACCESS_DENIED'].includes(error.code)) throw error;
    const missing = new Error(
      `Cannot find module '${id}': a function has Node's own modules and what is bundled into its code`
    );
    missing.code = 'MODULE_NOT_FOUND';
    throw missing;
  }
};

if (SETTINGS.memoryLimit !== null) {
  // The emulator can't see the memory of this process here, so it checks itself.
  setInterval(() => {
    if (currentCall !== null && memoryUsage.call(process).rss > SETTINGS.memoryLimit) {
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
