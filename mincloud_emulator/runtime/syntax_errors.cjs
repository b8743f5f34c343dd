// Reads a list of functions, as JSON, from its standard input, and writes one with a line about the first error in each, or null.
'use strict';

const { readFileSync } = require('fs');
const { compileFunction } = require('vm');

const NAME = 'function.js';
const ABOUT_MODULES = /import statement|'import|'export|Unexpected reserved word/;

function error(code) {
  const plain = code.replace(/^\ufeff/, '').replace(/^#!.*/, '');
  try {
    compileFunction(plain, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: NAME });
    return null;
  } catch (thrown) {
    const place = new RegExp(`^${NAME}:([0-9]+)`).exec(thrown.stack);
    const hint = ABOUT_MODULES.test(thrown.message) ? '; the service runs CommonJS: bundle it to that, or assign exports.main' : '';
    return `${place ? `line ${place[1]}: ` : ''}${thrown.name}: ${thrown.message.split('\n')[0]}${hint}`;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(error)));
