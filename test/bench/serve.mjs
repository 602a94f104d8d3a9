/**
 * The tests' stand-in for a reward server, as a process of its own: prints its address, ends with its standard input.
 *
 *   node serve.mjs BUNDLE '{"batch": 16, "latency": 20, "perItem": 1}'
 */
const [bundle, options] = process.argv.slice(2)
const { startRewardServer } = await import(bundle)
const server = await startRewardServer(JSON.parse(options))
console.log(server.url)
process.stdin.resume().on('end', () => server.close())
