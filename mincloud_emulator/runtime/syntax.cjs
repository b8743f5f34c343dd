// Checks the syntax of functions, of which nothing is run. Started as `node --expose-internals syntax.cjs`.
// Reads a JSON list of functions' code from standard input, and writes a list with null for each that is fine, else
// {message, stack} of its syntax error, or {message, line, column} of the first syntax that Node 12 does not know.
'use strict';

const vm = require('vm');

const FIRST_WITH_PARSER = 16; // the acorn in older versions of Node does not know the newer syntax
// Newer syntax always has one of these; most code has none, and need not be parsed again.
const SUSPECT = /\?\.|\?\?|\|\|=|&&=|#[\w$]|\bstatic\s*\{|\/[a-z]*[dv]/;

// Returns acorn, which is not a public interface of Node; null if this Node does not have it there.
function loadParser() {
  if (parseInt(process.versions.node, 10) < FIRST_WITH_PARSER) return null;
  try {
    return require('internal/deps/acorn/acorn/dist/acorn');
  } catch (error) {
    return null;
  }
}
const parser = loadParser();

// Returns what a node of the syntax tree needs: [what it is, the first major version of Node that knows it], or undefined.
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

function newerSyntax(code) {
  if (parser === null || !SUSPECT.test(code)) return null;
  let tree;
  try {
    tree = parser.parse(code.replace(/^\ufeff/, ''), {
      ecmaVersion: 'latest',
      locations: true,
      allowHashBang: true,
      allowReturnOutsideFunction: true,
    });
  } catch (error) {
    return null;
  }
  const found = first(tree);
  if (found === null) return null;
  const [what, version] = found.needs;
  const { line, column } = found.node.loc.start;
  return { message: `${what} needs Node ${version}, but the service runs Node 12`, line, column: column + 1 };
}

function check(code) {
  // As container.cjs loads it. The places in errors are those of the code, since it is compiled as the body of a function.
  const source = code.replace(/^\ufeff/, '').replace(/^#!/, '//');
  try {
    vm.compileFunction(source, ['exports', 'require', 'module', '__filename', '__dirname'], { filename: 'code' });
  } catch (error) {
    return { message: `${error.name}: ${error.message}`, stack: String(error.stack) };
  }
  return newerSyntax(code);
}

const codes = JSON.parse(require('fs').readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(codes.map(check)));
