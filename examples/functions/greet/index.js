// Greets whoever is named; `event.data` is what the caller sent.
exports.main = async function greet(event) {
  const { username, delay = 0 } = event.data
  if (!username) throw new TypeError('username is missing / 缺少 username')
  console.log('greeting', username)
  await new Promise((resolve) => setTimeout(resolve, delay))
  return { greeting: `你好，${username}！`, length: username.length }
}
