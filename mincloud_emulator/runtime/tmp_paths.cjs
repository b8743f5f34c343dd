// Functions on the service write to /tmp, where each container has 64 MB of its own. Here /tmp is everybody's, so
// paths in it are taken to mean the container's own directory. Runs on Node 12.
'use strict';

// Every function of fs that takes a path, with how many of its leading arguments are paths.
const PATHS = {
  access: 1, appendFile: 1, chmod: 1, chown: 1, copyFile: 2, cp: 2, exists: 1, lchmod: 1, lchown: 1, link: 2,
  lstat: 1, lutimes: 1, mkdir: 1, mkdtemp: 1, open: 1, opendir: 1, readFile: 1, readdir: 1, readlink: 1,
  realpath: 1, rename: 2, rm: 1, rmdir: 1, stat: 1, statfs: 1, symlink: 2, truncate: 1, unlink: 1, utimes: 1,
  writeFile: 1, createReadStream: 1, createWriteStream: 1, watch: 1, watchFile: 1, unwatchFile: 1, openAsBlob: 1,
};

exports.redirectTmp = function redirectTmp(fs, directory) {
  function moved(path) {
    if (typeof path !== 'string') return path;
    if (path === '/tmp') return directory;
    return path.startsWith('/tmp/') && path !== directory && !path.startsWith(`${directory}/`)
      ? directory + path.slice(4)
      : path;
  }
  const wrap = (owner, name, count) => {
    const original = owner[name];
    if (typeof original !== 'function') return;
    const wrapped = function (...args) {
      for (let i = 0; i < count && i < args.length; i++) args[i] = moved(args[i]);
      return original.apply(this, args);
    };
    Object.defineProperty(wrapped, 'name', { value: original.name });
    // fs.realpath.native, and what util.promisify looks for
    for (const key of Reflect.ownKeys(original)) {
      if (!(key in wrapped)) Object.defineProperty(wrapped, key, Object.getOwnPropertyDescriptor(original, key));
    }
    owner[name] = wrapped;
  };
  for (const [name, count] of Object.entries(PATHS)) {
    wrap(fs, name, count);
    wrap(fs, `${name}Sync`, count);
    wrap(fs.promises, name, count);
  }
  return moved;
};
