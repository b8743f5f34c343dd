// Writes the TypeScript source of the contract's types into a folder, the first argument; the contract comes as JSON on standard input.
//
// contract.ts holds openapi-typescript's types for a client (`paths` and what it stands on), a type of its own for each schema, and the
// known values of each open enum. In the schemas' own types a field with `x-extensible-enum` is one of its known values or any other one,
// so that an editor offers the known. Those types stand in schemas.ts and are not what `paths` refers to: openapi-fetch 0.17 maps over
// whatever extends `object`, which `string & {}` does, and would make an object with the methods of a string of it.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import openapiTS, { astToString, NULL } from 'openapi-typescript'
import ts from 'typescript'

const { factory } = ts
const folder = process.argv[2]
const contract = JSON.parse(await text(process.stdin))
const { schemas } = contract.components
const heading = `// Derived from the contract, version ${contract.info.version}.\n\n`
// A request may leave out what has a default.
const settings = { defaultNonNullable: false, silent: true }
const keywords = {
  string: ts.SyntaxKind.StringKeyword,
  integer: ts.SyntaxKind.NumberKeyword,
  number: ts.SyntaxKind.NumberKeyword,
}

function literal(value) {
  const make = typeof value === 'string' ? factory.createStringLiteral : factory.createNumericLiteral
  return factory.createLiteralTypeNode(make(value))
}

/** Known values or any other: `"a" | "b" | (string & {})`, which unlike `string` alone does not swallow the known ones. */
function openEnum(schema) {
  const other = factory.createIntersectionTypeNode([
    factory.createKeywordTypeNode(keywords[schema.type]),
    factory.createTypeLiteralNode([]),
  ])
  const types = [...schema['x-extensible-enum'].map(literal), factory.createParenthesizedType(other)]
  return factory.createUnionTypeNode(schema.nullable ? [...types, NULL] : types)
}

/** The open enums of each schema, by field, as source. */
function knownValues() {
  const found = Object.entries(schemas).map(([name, { properties = {} }]) => {
    const fields = Object.entries(properties).filter(([, field]) => field['x-extensible-enum'])
    const lines = fields.map(([field, { 'x-extensible-enum': values }]) => `    ${field}: ${JSON.stringify(values)},\n`)
    return lines.length ? `  ${name}: {\n${lines.join('')}  },\n` : ''
  })
  return `{\n${found.join('')}}`
}

const forClients = await openapiTS(contract, settings)
const ofSchemas = await openapiTS(
  { openapi: contract.openapi, info: contract.info, paths: {}, components: { schemas } },
  { ...settings, transform: (schema) => (schema['x-extensible-enum'] ? openEnum(schema) : undefined) },
)

await writeFile(
  join(folder, 'schemas.ts'),
  heading + astToString(ofSchemas.filter((node) => ts.isInterfaceDeclaration(node) && node.name.text === 'components')),
)
await writeFile(
  join(folder, 'contract.ts'),
  `${heading}import type { components as open } from "./schemas.js";

${astToString(forClients)}
${Object.keys(schemas).map((name) => `export type ${name} = open["schemas"]["${name}"];\n`).join('')}
/** The contract's version. */
export const contractVersion = ${JSON.stringify(contract.info.version)};

/** The address of the service. */
export const serverUrl = ${JSON.stringify(contract.servers[0].url)};

/** The values known so far of each field that is an open enum, by schema and field. */
export const knownValues = ${knownValues()} as const;
`,
)
