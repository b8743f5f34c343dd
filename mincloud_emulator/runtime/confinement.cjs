// Keeps a function from other processes and from the network. Runs on Node 12.
'use strict';

const { denied } = require('./files.cjs');

// Lets a function signal no process but its own, by each of Node's functions for that.
function guardProcesses() {
  const { kill, pid } = process;
  const refuse = () => {
    throw new Error('process.kill: a function may signal no process but its own');
  };
  const guarded = (own) =>
    function (target, ...rest) {
      return Number(target) === pid ? own.call(process, target, ...rest) : refuse();
    };
  process.kill = guarded(kill);
  for (const name of ['_kill', '_debugProcess']) {
    if (typeof process[name] === 'function') process[name] = guarded(process[name]);
  }
}

// Refuses what Node's permission model would refuse, for a Node that has none, as far as JavaScript can.
function confineProcess() {
  const refuse = (resource) =>
    function () {
      throw denied(resource);
    };
  const children = require('child_process');
  children.ChildProcess.prototype.spawn = refuse('child_process');
  for (const name of ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync']) {
    children[name] = refuse(`child_process.${name}`);
  }
  require('worker_threads').Worker = refuse('worker_threads.Worker');
  for (const name of ['binding', '_linkedBinding', 'dlopen']) process[name] = refuse(`process.${name}`);
}

function targetOf(first, second) {
  const options = Array.isArray(first) ? first[0] : first;
  if (options !== null && typeof options === 'object') {
    return options.path || `${options.host || 'localhost'}:${options.port}`;
  }
  return Number.isNaN(Number(options)) ? String(options) : `${typeof second === 'string' ? second : 'localhost'}:${options}`;
}

// Calls `opening(what)` before a socket is opened; it returns an error to refuse that, or null.
function watchSockets(opening) {
  const wrap = (owner, name, describe) => {
    const original = owner[name];
    owner[name] = function (...args) {
      const error = opening(describe(args));
      if (error === null) return original.apply(this, args);
      process.nextTick(() => (this.destroy ? this.destroy(error) : this.emit('error', error)));
      return this;
    };
  };
  const net = require('net');
  wrap(net.Socket.prototype, 'connect', (args) => `connect to ${targetOf(...args)}`);
  wrap(net.Server.prototype, 'listen', (args) => `listen at ${targetOf(...args)}`);
  const { Socket } = require('dgram');
  wrap(Socket.prototype, 'bind', () => 'listen to UDP');
  wrap(Socket.prototype, 'send', () => 'send UDP');
}

module.exports = { confineProcess, guardProcesses, watchSockets };
