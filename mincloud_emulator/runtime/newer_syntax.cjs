// Reads a function from its standard input and writes a line about the first syntax in it that Node 12 does not know.
// Started as `node --expose-internals newer_syntax.cjs`. Ends with status 1 where there is no way to tell.
'use strict';

function parser() {
  try {
    return require('internal/deps/acorn/acorn/dist/acorn');
  } catch (error) {
    return process.exit(1); // this Node keeps it elsewhere
  }
}

// What a node of the syntax tree needs: [what it is, the first major version of Node that has it], or undefined.
function requirement(node) {
  switch (node.type) {
    case 'ChainExpression':
      return ['optional chaining (?.)', 14];
    case 'LogicalExpression':
      return node.operator === '??' ? ['the ?? operator', 14] : undefined;
    case 'AssignmentExpression':
      return ['??=', '||=', '&&='].includes(node.operator) ? [`the ${node.operator} operator`, 15] : undefined;
    case 'MethodDefinition':
      return node.key.type === 'PrivateIdentifier' ? ['a private method (#name)', 14] : undefined;
    case 'StaticBlock':
      return ['a static block', 16];
    case 'BinaryExpression':
      return node.left.type === 'PrivateIdentifier' ? ['the check for a private field (#name in)', 16] : undefined;
    case 'Literal':
      if (node.regex && node.regex.flags.includes('d')) return ['the d flag of a regular expression', 16];
      return node.regex && node.regex.flags.includes('v') ? ['the v flag of a regular expression', 20] : undefined;
    default:
      return undefined;
  }
}

function first(tree) {
  let found = null;
  const waiting = [tree];
  while (waiting.length > 0) {
    const node = waiting.pop();
    const needs = requirement(node);
    if (needs && (found === null || node.start < found.node.start)) found = { node, needs };
    for (const key of Object.keys(node)) {
      const child = node[key];
      if (Array.isArray(child)) {
        for (const each of child) if (each && typeof each.type === 'string') waiting.push(each);
      } else if (child && typeof child.type === 'string') {
        waiting.push(child);
      }
    }
  }
  return found;
}

const code = require('fs').readFileSync(0, 'utf8').replace(/^\ufeff/, '');
let tree;
try {
  tree = parser().parse(code, {
    ecmaVersion: 'latest',
    locations: true,
    allowHashBang: true,
    allowReturnOutsideFunction: true,
  });
} catch (error) {
  process.exit(1);
}
const found = first(tree);
if (found !== null) {
  const [what, version] = found.needs;
  const { line, column } = found.node.loc.start;
  console.log(`line ${line}, column ${column + 1}: ${what} needs Node ${version}, but the service runs Node 12`);
}
