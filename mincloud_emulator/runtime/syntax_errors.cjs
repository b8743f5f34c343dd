// Reads a JSON list of functions' code from its standard input, and writes a list with the error of each that is no JavaScript, else null.
// Nothing of the code is run. Positions are those of the code as it is, since it is compiled as the body of a function.
'use strict';

const vm = require('vm');

function fault(code) {
  // As container.cjs loads it.
  const source = code.replace(/^\ufeff/, '').replace(/^#!/, '//');
  try {
    vm.compileFunction(source, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: 'code' });
    return null;
  } catch (error) {
    return { message: `${error.name}: ${error.message}`, stack: String(error.stack) };
  }
}

const codes = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(codes.map(fault)));
