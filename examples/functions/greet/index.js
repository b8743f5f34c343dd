// Greets whoever is named. `event.data` is what the caller sends; what is returned is what the caller gets.
exports.main = async function (event) {
  const { username, delay = 0 } = event.data
  if (!username) throw new TypeError('username is missing / 缺少 username')
  console.log('greeting', username)
  await new Promise((resolve) => setTimeout(resolve, delay))
  return { greeting: `你好，${username}！`, length: username.length }
}
