// The emulator's reference: the same functions in functions-framework, on this machine only. Started with the name of
// the one to serve, it prints its port.
const functions = require('@google-cloud/functions-framework')
const { getTestServer } = require('@google-cloud/functions-framework/testing')

functions.http('greet', (request, response) => response.json({ greeting: 'hi' }))
functions.http('slow', (request, response) => setTimeout(() => response.json({ greeting: 'hi' }), 100))
const server = getTestServer(process.argv[2])
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
