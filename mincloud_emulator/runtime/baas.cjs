// The global object BaaS: its own methods, and those of a module of the user's for the rest. Runs on Node 12.
'use strict';

const hooks = require('async_hooks');

// Before Node 12.17 the user's module and the function can't be distinguished.
const storage = hooks.AsyncLocalStorage ? new hooks.AsyncLocalStorage() : { run: (_, action) => action(), getStore: () => true };
const proxies = new WeakMap();
const targets = new WeakMap();

// Wraps an object so that its methods run as the user's module, which may use the network.
function trusted(value) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value;
  if (value instanceof Promise || targets.has(value)) return value;
  if (!proxies.has(value)) {
    const proxy = new Proxy(value, {
      apply(method, self, args) {
        const result = storage.run(true, () => Reflect.apply(method, targets.get(self) || self, args));
        return typeof result === 'function' ? trusted(result) : result; // as axios.create returns another axios
      },
      construct: (made, args) => trusted(storage.run(true, () => Reflect.construct(made, args))),
      get(target, property) {
        const member = Reflect.get(target, property, target);
        const fixed = Reflect.getOwnPropertyDescriptor(target, property);
        const replaceable = !fixed || fixed.configurable || fixed.writable;
        return typeof member === 'function' && replaceable && property !== 'constructor' ? trusted(member) : member;
      },
    });
    proxies.set(value, proxy);
    targets.set(proxy, value);
  }
  return proxies.get(value);
}

// Creates BaaS. `load` returns the user's module or throws; it is null if there is none.
function makeBaas(own, load) {
  let brought = {};
  let broken = null;
  try {
    if (load !== null) brought = storage.run(true, load);
  } catch (error) {
    broken = error;
  }
  return new Proxy(Object.freeze(own), {
    get(target, property) {
      if (Object.prototype.hasOwnProperty.call(target, property)) return target[property];
      if (typeof property === 'symbol' || property === 'then' || property === 'toJSON' || property === 'inspect') return undefined;
      if (broken !== null) throw broken;
      if (brought !== null && brought !== undefined && property in Object(brought)) return trusted(brought[property]);
      const known = Object.keys(target).map((name) => `BaaS.${name}`).join(' and ');
      throw new Error(`BaaS.${property} is not there: of BaaS, the emulator has only ${known}; bring it with --baas FILE`);
    },
    has: (target, property) => property in target || property in Object(brought),
  });
}

module.exports = { makeBaas, isTrusted: () => storage.getStore() === true };
