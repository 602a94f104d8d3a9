import http from 'node:http'
import { test } from 'vitest'
import { setUpTriton, startTriton } from '/work/main/test/support/triton/index.js'
test('stop', async () => {
  const p = await setUpTriton()
  if (typeof p !== 'string') return
  const t = await startTriton(p)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 })
  await Promise.all(Array.from({ length: 10 }, () => new Promise((ok, no) => http.get(`${t.url}/v2`, { agent }, (r) => { r.resume(); r.on('end', ok) }).on('error', no))))
  const s = performance.now()
  await t.stop()
  console.log('stop with keep-alive', performance.now() - s)
  agent.destroy()
  const u = await startTriton(p)
  const s2 = performance.now()
  await u.stop()
  console.log('stop', performance.now() - s2)
}, 120000)
