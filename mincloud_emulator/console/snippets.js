// Writes the call in the form as a command or a program.

const ENVIRONMENT_HEADER = "X-Hydrogen-Env-ID";

/** Returns a call with `curl`, with the address and the token from the environment. */
export function asCurl({ environment, name, data, sync }) {
  const path = `/oserve/v1.3/cloud-function/${encodeURIComponent(name)}/job/`;
  const body = `{"data": ${data}${sync ? "" : ', "sync": false'}}`;
  return [
    `curl "$MINCLOUD_BASE_URL"${shell(path)}`,
    `  -H "Authorization: Bearer $MINCLOUD_ACCESS_TOKEN"`,
    `  -H 'Content-Type: application/json'`,
    ...(environment ? [`  -H ${shell(`${ENVIRONMENT_HEADER}: ${environment}`)}`] : []),
    `  -d ${shell(body)}`,
  ].join(" \\\n");
}

/** Returns a call with the package `mincloud`, with the address and the token from the environment. */
export function asPython({ environment, name, data, sync }) {
  const call = `${sync ? "invoke" : "trigger"}(${JSON.stringify(name)}, ${pythonLiteral(data)})`;
  return [
    "from mincloud import MinCloud",
    "",
    `with MinCloud(${environment ? `environment=${JSON.stringify(environment)}` : ""}) as cloud:`,
    sync ? `    print(cloud.functions.${call})` : `    print(cloud.functions.${call}.result())`,
    "",
  ].join("\n");
}

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Converts JSON to Python; numbers stay as they were written, strings lose the escapes that Python reads differently. */
function pythonLiteral(json) {
  const words = { true: "True", false: "False", null: "None" };
  return json.replaceAll(/"(?:[^"\\]|\\.)*"|true|false|null/g, (token) => words[token] ?? JSON.stringify(JSON.parse(token)));
}
