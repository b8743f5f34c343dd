// The emulator's reference: the same trivial function in functions-framework, on this machine only. Prints its port.
const functions = require('@google-cloud/functions-framework')
const { getTestServer } = require('@google-cloud/functions-framework/testing')

functions.http('greet', (request, response) => response.json({ greeting: 'hi' }))
const server = getTestServer('greet')
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
