// Wraps the functions of fs: paths in /tmp lead to the container's own directory, and output to the standard streams is logged.
// For a Node that has no permission model, other files are refused. Runs on Node 12.
'use strict';

const fs = require('fs');
const path = require('path');
const { fileURLToPath } = require('url');

// The functions of fs that take paths, with the number of leading arguments that are paths.
const PATHS = {
  access: 1, appendFile: 1, chmod: 1, chown: 1, copyFile: 2, cp: 2, exists: 1, lchmod: 1, lchown: 1, link: 2,
  lstat: 1, lutimes: 1, mkdir: 1, mkdtemp: 1, open: 1, opendir: 1, readFile: 1, readdir: 1, readlink: 1,
  realpath: 1, rename: 2, rm: 1, rmdir: 1, stat: 1, statfs: 1, symlink: 2, truncate: 1, unlink: 1, utimes: 1,
  writeFile: 1, createReadStream: 1, createWriteStream: 1, watch: 1, watchFile: 1, unwatchFile: 1, openAsBlob: 1,
};
const READS = new Set([
  'access', 'createReadStream', 'exists', 'lstat', 'open', 'openAsBlob', 'opendir', 'readFile', 'readdir', 'readlink',
  'realpath', 'stat', 'statfs', 'unwatchFile', 'watch', 'watchFile',
]);
const { realpathSync } = fs;

function denied(resource) {
  const error = new Error('Access to this API has been restricted');
  error.code = 'ERR_ACCESS_DENIED';
  if (resource !== undefined) error.resource = resource;
  return error;
}

// Resolves the links in a path, which need not exist.
function realPath(target) {
  const rest = [];
  for (let at = path.resolve(target); ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync(at), ...rest);
    } catch (error) {
      if (at === path.dirname(at)) return path.join(at, ...rest);
      rest.unshift(path.basename(at));
    }
  }
}

const isIn = (target, folder) => target === folder || target.startsWith(`${folder}/`);

// Copies the name and the properties of a function to its replacement.
function replaced(original, replacement) {
  Object.defineProperty(replacement, 'name', { value: original.name });
  // fs.realpath.native, and the property that util.promisify uses
  for (const key of Reflect.ownKeys(original)) {
    if (!(key in replacement)) Object.defineProperty(replacement, key, Object.getOwnPropertyDescriptor(original, key));
  }
  return replacement;
}

// Redirects paths in /tmp to the directory, and returns the function that does so.
function redirectPaths(directory, { confine, readable }) {
  function moved(target) {
    if (typeof target === 'string') {
      if (target === '/tmp') return directory;
      return target.startsWith('/tmp/') && !isIn(target, directory) ? directory + target.slice(4) : target;
    }
    let text;
    if (target instanceof Uint8Array) text = Buffer.from(target).toString();
    else if (target instanceof URL && target.protocol === 'file:') text = fileURLToPath(target);
    else return target;
    const other = moved(text);
    return other === text ? target : other;
  }

  function check(target, reads) {
    if (typeof target === 'number' || (target !== null && typeof target === 'object' && 'fd' in target)) return;
    const text = target instanceof URL ? fileURLToPath(target) : String(target);
    const real = realPath(text);
    if (!isIn(real, directory) && !(reads && readable.some((folder) => isIn(real, folder)))) throw denied(text);
  }

  const wrap = (owner, key, name) => {
    const original = owner[key];
    if (typeof original !== 'function') return;
    owner[key] = replaced(original, function (...args) {
      for (let i = 0; i < PATHS[name] && i < args.length; i++) {
        args[i] = moved(args[i]);
        if (!confine) continue;
        const onlyReads = name === 'open' ? [undefined, 'r', 0].includes(args[1]) : READS.has(name) || (i === 0 && name === 'copyFile');
        check(name === 'symlink' && i === 0 ? path.resolve(path.dirname(String(moved(args[1]))), String(args[0])) : args[i], onlyReads);
      }
      return original.apply(this, args);
    });
  };
  for (const name of Object.keys(PATHS)) {
    wrap(fs, name, name);
    wrap(fs, `${name}Sync`, name);
    wrap(fs.promises, name, name);
  }
  for (const name of ['realpath', 'realpathSync']) if (fs[name].native) fs[name].native = fs[name];
  const { chdir } = process;
  process.chdir = replaced(chdir, (target) => {
    const folder = moved(target);
    if (confine) check(folder, false);
    return chdir.call(process, folder);
  });
  return moved;
}

const isStream = (fd) => fd === 1 || fd === 2;

function bytesOf(data, offset, length) {
  if (!ArrayBuffer.isView(data)) return Buffer.from(String(data), typeof length === 'string' ? length : 'utf8');
  const options = offset !== null && typeof offset === 'object' ? offset : { offset, length };
  const from = options.offset || 0;
  const to = typeof options.length === 'number' ? from + options.length : data.byteLength;
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).slice(from, to);
}

// Sends what is written to the descriptors 1 and 2 to the log, where it keeps its order.
function redirectStreams(write) {
  const wrap = (name, onStream) => {
    const original = fs[name];
    if (typeof original !== 'function') return;
    fs[name] = replaced(original, function (fd, ...args) {
      return isStream(fd) ? onStream(fd, args) : original.call(this, fd, ...args);
    });
  };
  const writeBytes = (fd, bytes) => {
    write(fd, bytes);
    return bytes.length;
  };
  const later = (fill) => (fd, args) => {
    const done = args[args.length - 1];
    const results = fill(fd, args);
    if (typeof done === 'function') process.nextTick(done, null, ...results);
  };
  const all = (buffers) => Buffer.concat(buffers.map((buffer) => bytesOf(buffer)));
  wrap('writeSync', (fd, [data, offset, length]) => writeBytes(fd, bytesOf(data, offset, length)));
  wrap('write', later((fd, [data, offset, length]) => [writeBytes(fd, bytesOf(data, offset, length)), data]));
  wrap('writevSync', (fd, [buffers]) => writeBytes(fd, all(buffers)));
  wrap('writev', later((fd, [buffers]) => [writeBytes(fd, all(buffers)), buffers]));
  for (const name of ['writeFile', 'appendFile']) {
    const encoding = (options) => (options !== null && typeof options === 'object' ? options.encoding : options);
    const put = (fd, [data, options]) => write(fd, bytesOf(data, undefined, encoding(options)));
    wrap(`${name}Sync`, put);
    wrap(name, later((fd, args) => (put(fd, args), [])));
  }
  for (const name of ['close', 'fsync', 'fdatasync']) {
    wrap(`${name}Sync`, () => undefined);
    wrap(name, later(() => []));
  }
}

module.exports = { denied, redirectPaths, redirectStreams };
